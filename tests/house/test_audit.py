"""The audit of what we install can fail: on recorded answers of both services, and on their silence."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
TODAY = date(2026, 11, 22)

# As pip-audit 2.10 and npm 10 really answer, shortened.
PIP: dict[str, Any] = {
    "dependencies": [
        {"name": "msgspec", "version": "0.22.0", "vulns": []},
        {
            "name": "jinja2",
            "version": "2.4.1",
            "vulns": [
                {"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"], "aliases": ["CVE-2014-1402"], "description": "…"},
                {
                    "id": "GHSA-462w-v97r-4m45",
                    "fix_versions": ["2.10.1"],
                    "aliases": ["CVE-2019-10906"],
                    "description": "…",
                },
            ],
        },
    ],
    "fixes": [],
}
SKIPPED = {
    "dependencies": [{"name": "msgspec", "skip_reason": "Dependency not found on PyPI and could not be audited"}]
}
NPM: dict[str, Any] = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "minimist": {
            "name": "minimist",
            "severity": "critical",
            "via": [
                {"source": 1097678, "name": "minimist", "url": "https://github.com/advisories/GHSA-xvch-5gv4-984h"}
            ],
            "range": "<0.2.4",
        },
        "mkdirp": {"name": "mkdirp", "severity": "critical", "via": ["minimist"], "range": "0.4.1 - 0.5.1"},
    },
}
REFUSED = {"message": "405 Method Not Allowed - POST …/-/npm/v1/security/advisories/bulk", "method": "POST"}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", PROJECT / "requirements" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_vulnerable_version_is_a_failure(audit: ModuleType) -> None:
    known = audit.from_pip("run.txt", json.dumps(PIP)) + audit.from_npm("web", json.dumps(NPM))
    assert [one.id for one in known] == ["PYSEC-2014-8", "GHSA-462w-v97r-4m45", "GHSA-xvch-5gv4-984h"]
    wrong = audit.unaccepted(known, [], TODAY)
    assert wrong[0] == "run.txt: jinja2 2.4.1 has PYSEC-2014-8, fixed in 2.7.2"
    assert len(wrong) == 3


def test_an_acceptance_is_for_one_package_by_any_name_and_runs_out(audit: ModuleType) -> None:
    known = audit.from_pip("run.txt", json.dumps(PIP))
    entry = {"id": "CVE-2014-1402", "package": "jinja2", "reason": "no bytecode cache here"}
    assert len(audit.unaccepted(known, [audit.Accepted(**entry, until=TODAY)], TODAY)) == 1
    assert len(audit.unaccepted(known, [audit.Accepted(**{**entry, "package": "other"}, until=TODAY)], TODAY)) == 2
    late = audit.unaccepted(known, [audit.Accepted(**entry, until=date(2026, 11, 21))], TODAY)
    assert "it was accepted until 2026-11-21 (no bytecode cache here)" in late[0]


@pytest.mark.parametrize("answer", ["", "not json", "{}", json.dumps(SKIPPED), '{"dependencies": []}'])
def test_silence_of_one_service_is_not_innocence(audit: ModuleType, answer: str) -> None:
    with pytest.raises(audit.Unanswered):
        audit.from_pip("run.txt", answer)


@pytest.mark.parametrize("answer", ["", "not json", "{}", json.dumps(REFUSED)])
def test_nor_is_that_of_the_other(audit: ModuleType, answer: str) -> None:
    with pytest.raises(audit.Unanswered):
        audit.from_npm("web", answer)


@pytest.mark.parametrize(
    ("answers", "must", "status", "said"),
    [
        ([json.dumps(PIP)], "", 1, "jinja2 2.4.1 has"),
        ([json.dumps(SKIPPED)], "", 0, "NOT ASKED"),
        ([json.dumps(SKIPPED)], "1", 2, "NOT ASKED"),
        ([json.dumps(PIP), json.dumps(SKIPPED)], "", 1, "NOT ASKED"),
        ([json.dumps({"dependencies": PIP["dependencies"][:1]})], "1", 0, "no known vulnerability"),
    ],
)
def test_how_it_ends(
    audit: ModuleType, answers: list[str], must: str, status: int, said: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("AUDIT_MUST_ANSWER", must)
    asked = {str(at): (lambda one=one: audit.from_pip("run.txt", one)) for at, one in enumerate(answers)}
    monkeypatch.setattr(audit, "_questions", lambda _: asked)
    assert audit.main() == status
    assert said in capsys.readouterr().out


def test_every_lock_is_asked_about(audit: ModuleType) -> None:
    assert {path.stem for path in (PROJECT / "requirements").glob("*.txt")} - {"constraints"} == set(audit.LISTS)
    assert {path.parent.name for path in PROJECT.glob("*/package-lock.json")} == set(audit.SCREENS)


def test_what_is_accepted_has_a_reason_and_a_date(audit: ModuleType, tmp_path: Path) -> None:
    audit.read_accepted(PROJECT / "requirements" / "accepted.toml")
    for entry in ('reason = ""\nuntil = 2027-01-01', 'reason = "because"', 'reason = "because"\nuntil = "soon"'):
        file = tmp_path / "accepted.toml"
        file.write_text(f'[[accepted]]\nid = "GHSA-x"\npackage = "x"\n{entry}\n')
        with pytest.raises(TypeError):
            audit.read_accepted(file)
