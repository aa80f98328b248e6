"""Users, teams and the workspace: who may change whom, and that the last owner stays."""

from __future__ import annotations

import asyncio

import asyncpg
import httpx
import pytest

from conftest import PASSWORD, add_user
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Forbidden, Invalid, NotFound, Refused
from frontdesk.kit.transaction import Database
from frontdesk.people import actions, events, queries, rules


async def change(db: Database, who: Actor, by: Actor, **changes: object) -> None:
    async with db.begin(who.workspace_id) as tx:
        await actions.change_user(tx, who.user_id, by=by, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"role": "admin"}, {"active": False}, {"role": "user", "active": False}])
async def test_the_last_owner_stays(db: Database, workspace: int, owner: Actor, changes: dict[str, object]) -> None:
    await add_user(db, workspace, role="admin")
    gone = await add_user(db, workspace, email="gone@example.org")
    await change(db, gone, owner, active=False)  # an owner who cannot sign in does not count
    with pytest.raises(Refused) as caught:
        await change(db, owner, owner, **changes)
    assert caught.value.code == "last_owner"


async def test_one_of_two_owners_may_go(db: Database, workspace: int, owner: Actor) -> None:
    second = await add_user(db, workspace, email="second@example.org")
    await change(db, owner, second, role="user")
    with pytest.raises(Refused):
        await change(db, second, second, active=False)


async def test_two_owners_cannot_remove_each_other_at_once(live_db: Database, workspace: int, owner: Actor) -> None:
    second = await add_user(live_db, workspace, email="second@example.org")
    ended = await asyncio.gather(
        change(live_db, owner, second, active=False),
        change(live_db, second, owner, active=False),
        return_exceptions=True,
    )
    assert [type(one) for one in ended if one is not None] == [Refused]
    async with live_db.begin(workspace) as tx:
        assert await tx.fetchval("select count(*) from users where role = 'owner' and active") == 1


@pytest.mark.parametrize("changes", [{"role": "owner"}, {"role": "owner", "active": True}])
async def test_nobody_gives_a_role_above_their_own(db: Database, workspace: int, changes: dict[str, object]) -> None:
    admin = await add_user(db, workspace, role="admin")
    with pytest.raises(Forbidden):
        await change(db, admin, admin, **changes)
    with pytest.raises(Forbidden):
        async with db.begin(workspace) as tx:
            await actions.create_user(tx, name="X", email="x@example.org", role="owner", password_hash=None, by=admin)


async def test_an_admin_does_not_touch_an_owner(db: Database, workspace: int, owner: Actor) -> None:
    admin = await add_user(db, workspace, role="admin")
    await add_user(db, workspace, email="second@example.org")
    for changes in ({"active": False}, {"role": "user"}, {"name": "Fool"}):
        with pytest.raises(Forbidden):
            await change(db, owner, admin, **changes)


async def test_an_address_is_taken_in_any_case_but_free_in_another_workspace(
    db: Database, workspace: int, other_workspace: int, owner: Actor
) -> None:
    async with db.begin(workspace) as tx:
        with pytest.raises(Refused) as caught:
            await actions.create_user(
                tx, name="X", email=" OWNER@example.org", role="user", password_hash=None, by=owner
            )
    assert caught.value.code == "email_taken"
    await add_user(db, other_workspace)


@pytest.mark.parametrize(("field", "given"), [("name", {"name": " "}), ("email", {"email": "x\r\nBcc: y@example.org"})])
async def test_a_new_user_needs_a_name_and_an_address(
    db: Database, owner: Actor, field: str, given: dict[str, str]
) -> None:
    async with db.begin(owner.workspace_id) as tx:
        with pytest.raises(Invalid) as caught:
            await actions.create_user(
                tx, **{"name": "X", "email": "x@example.org", **given}, role="user", password_hash=None, by=owner
            )
    assert set(caught.value.fields) == {field}


async def test_a_change_is_told_and_recorded_once(db: Database, workspace: int, owner: Actor) -> None:
    clerk = await add_user(db, workspace, role="user")
    async with db.begin(workspace) as tx:
        for _ in range(2):
            await actions.change_user(tx, clerk.user_id, by=owner, name="  Kim  ", only_assigned=True)
        assert tx.events == [events.UserChanged(actor_id=owner.user_id, subject_id=clerk.user_id)]
    async with db.begin(workspace) as tx:
        page = await queries.audit(tx, None, None)
    (entry,) = page.items
    assert (entry.action, entry.actor_id, entry.subject) == ("user.changed", owner.user_id, f"user:{clerk.user_id}")
    assert entry.detail == {"name": "Kim", "only_assigned": True}


async def test_the_record_can_only_grow(db: Database, owner: Actor) -> None:
    async with db.begin(owner.workspace_id) as tx:
        await actions.audit(tx, "probe", actor_id=owner.user_id)
    for statement in ("update audit set action = 'x'", "delete from audit"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.begin(owner.workspace_id) as tx:
                await tx.execute(statement)


async def test_the_record_is_read_page_by_page(db: Database, owner: Actor) -> None:
    async with db.begin(owner.workspace_id) as tx:
        for number in range(5):
            await actions.audit(tx, f"probe.{number}", actor_id=owner.user_id)
    async with db.begin(owner.workspace_id) as tx:
        seen, cursor = [], None
        while True:
            page = await queries.audit(tx, cursor, 2)
            seen += [entry.action for entry in page.items]
            cursor = page.next
            if cursor is None:
                break
    assert seen == [f"probe.{number}" for number in (4, 3, 2, 1, 0)]


async def test_preferences_are_merged_and_bounded(db: Database, owner: Actor) -> None:
    async with db.begin(owner.workspace_id) as tx:
        await actions.change_me(tx, owner, preferences={"theme": "dark", "sound": True})
        row = await actions.change_me(tx, owner, preferences={"sound": None, "density": 2}, name="Roberta")
        assert (row["name"], row["preferences"]) == ("Roberta", {"theme": "dark", "density": 2})
        with pytest.raises(Invalid):
            await actions.change_me(tx, owner, preferences={"x": "y" * 20_000})


async def test_another_workspaces_user_does_not_exist(db: Database, owner: Actor, other_workspace: int) -> None:
    stranger = await add_user(db, other_workspace, role="user")
    async with db.begin(owner.workspace_id) as tx:
        with pytest.raises(NotFound):
            await actions.change_user(tx, stranger.user_id, by=owner, name="Mine")
        with pytest.raises(Invalid):
            await actions.create_team(tx, name="Mixed", member_ids=[stranger.user_id], by=owner)
        assert [user.id for user in (await queries.users(tx)).items] == [owner.user_id]


async def test_users_are_listed_by_name_page_by_page(db: Database, workspace: int) -> None:
    for name in ("cleo", "Ana", "ben", "ANA", "Dee"):
        await add_user(db, workspace, role="user", name=name, email=f"{name}-@example.org".replace("ANA", "ana2"))
    async with db.begin(workspace) as tx:
        seen, cursor = [], None
        while True:
            page = await queries.users(tx, cursor, 2)
            seen += [user.name for user in page.items]
            if (cursor := page.next) is None:
                break
    assert seen == ["Ana", "ANA", "ben", "cleo", "Dee"]


async def test_teams(db: Database, workspace: int, owner: Actor) -> None:
    clerk = await add_user(db, workspace, role="user")
    async with db.begin(workspace) as tx:
        team = await actions.create_team(tx, name=" Front ", member_ids=[clerk.user_id, clerk.user_id], by=owner)
        assert (team.name, team.member_ids) == ("Front", [clerk.user_id])
        with pytest.raises(Refused):
            await actions.create_team(tx, name="Front", member_ids=[], by=owner)
        other = await actions.create_team(tx, name="Back", member_ids=[], by=owner)
        with pytest.raises(Refused):
            await actions.change_team(tx, other.id, name="Front", by=owner)
        changed = await actions.change_team(tx, team.id, member_ids=[owner.user_id], by=owner)
        assert (changed.name, changed.member_ids) == ("Front", [owner.user_id])
        changed = await actions.change_team(tx, team.id, name="Desk", by=owner)
        assert (changed.name, changed.member_ids) == ("Desk", [owner.user_id])
        assert [one.name for one in await queries.teams(tx)] == ["Back", "Desk"]


async def test_a_team_ends_after_others_let_go_of_it(db: Database, owner: Actor) -> None:
    let_go = []

    async def ending(_: object, team_id: int) -> None:
        let_go.append(team_id)

    actions.TEAM_ENDINGS.append(ending)
    try:
        async with db.begin(owner.workspace_id) as tx:
            team = await actions.create_team(tx, name="Front", member_ids=[], by=owner)
            await actions.delete_team(tx, team.id, by=owner)
            assert let_go == [team.id]
            assert tx.events[-1] == events.TeamDeleted(actor_id=owner.user_id, team_id=team.id)
            with pytest.raises(NotFound):
                await actions.delete_team(tx, team.id, by=owner)
            with pytest.raises(NotFound):
                await actions.change_team(tx, team.id, by=owner, name="Again")
    finally:
        actions.TEAM_ENDINGS.remove(ending)


async def test_the_workspaces_settings_are_merged(db: Database, owner: Actor) -> None:
    async with db.begin(owner.workspace_id) as tx:
        await actions.change_workspace(tx, by=owner, settings={"reopen_days": 3})
        changed = await actions.change_workspace(tx, by=owner, name=" Pier ", settings={"joining": "contact_inbox"})
        assert (changed.name, changed.settings.joining, changed.settings.reopen_days) == ("Pier", "contact_inbox", 3)
        with pytest.raises(Invalid) as caught:
            await actions.change_workspace(tx, by=owner, timezone="Nowhere", name=" ")
        assert set(caught.value.fields) == {"timezone", "name"}


def test_every_role_may_what_a_lower_one_may() -> None:
    assert rules.PERMISSIONS["user"] < rules.PERMISSIONS["admin"] == rules.PERMISSIONS["owner"]
    assert "people:write" not in rules.PERMISSIONS["user"]
    assert "inboxes:write" not in rules.PERMISSIONS["user"]
    assert rules.permissions("user", ["people:write", "contacts:read"]) == {"contacts:read"}


async def test_a_bad_name_is_refused_everywhere(db: Database, owner: Actor) -> None:
    async with db.begin(owner.workspace_id) as tx:
        team = await actions.create_team(tx, name="Front", member_ids=[], by=owner)
        for renaming in (
            actions.change_user(tx, owner.user_id, by=owner, name=" \t"),
            actions.change_me(tx, owner, name="\u200b"),
            actions.create_team(tx, name=" ", member_ids=[], by=owner),
            actions.change_team(tx, team.id, name=" ", by=owner),
        ):
            with pytest.raises(Invalid):
                await renaming
        assert (await actions.change_me(tx, owner))["name"] == owner.name


async def test_what_is_not_there_is_not_found(db: Database, owner: Actor) -> None:
    async with db.begin(owner.workspace_id) as tx:
        with pytest.raises(NotFound):
            await queries.get_user(tx, owner.user_id + 999)
        assert set(await queries.users_by_id(tx, [owner.user_id, 10**9])) == {owner.user_id}
    async with db.begin(10**9) as tx:
        with pytest.raises(NotFound):
            await queries.workspace(tx)


async def test_a_program_brings_nobody_in_and_shuts_nobody_out(signed_in: httpx.AsyncClient) -> None:
    """A token that leaked would make an owner with a password of its choice, and outlive its own end."""
    made = (await signed_in.post("/api/v1/tokens", json={"name": "a", "scopes": ["people:write"]})).json()
    ben = {"name": "Ben", "email": "ben@example.org", "role": "user", "password": PASSWORD}
    theirs = f"/api/v1/users/{(await signed_in.post('/api/v1/users', json=ben)).json()['id']}"
    before = (await signed_in.get("/api/v1/users")).json()
    program = {"Authorization": f"Bearer {made['token']}"}
    async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url, headers=program) as other:
        for answer in (
            await other.post("/api/v1/users", json={**ben, "email": "me@example.org", "role": "owner"}),
            await other.patch(theirs, json={"role": "admin"}),
            await other.patch(theirs, json={"active": False, "name": "Benjamin"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "session_needed")
        assert (await signed_in.get("/api/v1/users")).json() == before
        assert (await other.patch(theirs, json={"name": "Benjamin"})).json()["name"] == "Benjamin"
        assert (await other.post("/api/v1/teams", json={"name": "Front", "member_ids": []})).status_code == 201
