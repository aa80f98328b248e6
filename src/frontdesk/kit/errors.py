"""Errors that a person or a program is meant to read.

Problem                 anything that the API answers with a sentence and a stable code
├── Invalid     400     the request is malformed; ``fields`` says where
├── Unauthorised 401    nobody is signed in, or the token is not valid
├── Forbidden   403     signed in, but not allowed
├── NotFound    404     it does not exist, or not for you: the two look the same
├── Refused     409     a rule or the present state says no
├── TooLarge    413
├── TooMany     429     ``retry_after`` seconds
└── Unavailable 503     try again after ``retry_after`` seconds: nothing was stored
"""

from __future__ import annotations

from collections.abc import Mapping


class Problem(Exception):
    """An answer with a status, a stable ``code`` for programs and a sentence for people."""

    status = 400
    code = "problem"

    def __init__(self, detail: str, *, code: str | None = None, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.fields = dict(fields or {})


class Invalid(Problem):
    status, code = 400, "invalid"


class Unauthorised(Problem):
    status, code = 401, "not_signed_in"


class Forbidden(Problem):
    status, code = 403, "forbidden"


class NotFound(Problem):
    status, code = 404, "not_found"

    def __init__(self, what: str = "It") -> None:
        super().__init__(f"{what} does not exist, or you may not see it.")


class Refused(Problem):
    status, code = 409, "refused"


class TooLarge(Problem):
    status, code = 413, "too_large"


class TooMany(Problem):
    status, code = 429, "too_many"

    def __init__(self, detail: str, *, code: str | None = None, retry_after: int = 60) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class Unavailable(Problem):
    status, code = 503, "unavailable"

    def __init__(self, detail: str, *, code: str | None = None, retry_after: int = 2) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after
