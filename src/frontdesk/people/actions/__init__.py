"""Everything that changes people, one file for each thing that people do."""

from frontdesk.people.actions.passwords import ATTEMPTS, Attempts, hashed
from frontdesk.people.actions.record import audit
from frontdesk.people.actions.signing import SignedIn, first_run, sign_in, sign_out, sign_out_everywhere
from frontdesk.people.actions.teams import TEAM_ENDINGS, change_team, create_team, delete_team
from frontdesk.people.actions.tokens import create_token, revoke_token
from frontdesk.people.actions.users import (
    change_me,
    change_user,
    create_user,
    deactivate,
    new_password,
    set_password,
)
from frontdesk.people.actions.workspace import change_workspace

__all__ = [
    "ATTEMPTS",
    "TEAM_ENDINGS",
    "Attempts",
    "SignedIn",
    "audit",
    "change_me",
    "change_team",
    "change_user",
    "change_workspace",
    "create_team",
    "create_token",
    "create_user",
    "deactivate",
    "delete_team",
    "first_run",
    "hashed",
    "new_password",
    "revoke_token",
    "set_password",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
]
