"""People over HTTP. Paths are relative to ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import UNSET, UnsetType

from frontdesk.kit import paging
from frontdesk.kit.context import Context, Resources
from frontdesk.kit.errors import Forbidden
from frontdesk.people import actions, queries, schemas

COOKIE_SECONDS = 400 * 86400  # the most that browsers keep (RFC 6265bis §5.5); the server ends a session sooner
TAGS = ["people"]
ENDS_SIGN_INS = {"role", "active"}  # of a user, when they change

PathId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
Limit = Annotated[int | None, QueryParameter(ge=1, le=paging.LIMIT)]
Cursor = Annotated[str | None, QueryParameter(max_length=1000)]


def _ip(request: Request[Any, Any, Any]) -> str | None:
    return request.client.host if request.client else None


def _require_session(context: Context) -> None:
    """Sign-ins are given and ended by whoever signed in: a token that leaked must not make itself a successor, be it a
    token, a session, or a user whose password it chose."""
    if context.actor.session_id is None:
        raise Forbidden("An API token cannot manage sign-ins and tokens. Sign in instead.", code="session_needed")


def _given(change: msgspec.Struct) -> dict[str, Any]:
    """The fields that the request set."""
    return {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not UNSET}


async def _welcome(resources: Resources, signed_in: actions.SignedIn) -> Response[schemas.Me]:
    """``Me``, with the cookie of the new session."""
    async with resources.db.begin(signed_in.actor.workspace_id) as tx:
        me = await queries.me(tx, signed_in.actor, await queries.cursor(tx))
    cookie = _cookie(resources, signed_in.cookie, COOKIE_SECONDS)
    return Response(me, cookies=[cookie], headers={"Cache-Control": "no-store"})


def _cookie(resources: Resources, value: str, seconds: int) -> Cookie:
    secure = resources.settings.secure
    name = queries.cookie_name(secure=secure)
    return Cookie(key=name, value=value, max_age=seconds, path="/", httponly=True, secure=secure, samesite="lax")


@get("/setup", operation_id="getSetup", tags=TAGS)
async def get_setup(resources: NamedDependency[Resources]) -> schemas.SetupState:
    return schemas.SetupState(needed=await queries.setup_needed(resources.db))


@post("/setup", operation_id="setUp", status_code=201, tags=TAGS)
async def set_up(
    data: JSONBody[schemas.Setup], resources: NamedDependency[Resources], request: Request[Any, Any, Any]
) -> Response[schemas.Me]:
    agent = request.headers.get("user-agent", "")
    signed_in = await actions.first_run(resources.db, **msgspec.structs.asdict(data), ip=_ip(request), agent=agent)
    return await _welcome(resources, signed_in)


@post("/session", operation_id="signIn", status_code=200, tags=TAGS)
async def sign_in(
    data: JSONBody[schemas.SignIn], resources: NamedDependency[Resources], request: Request[Any, Any, Any]
) -> Response[schemas.Me]:
    agent = request.headers.get("user-agent", "")
    signed_in = await actions.sign_in(
        resources.db, email=data.email, password=data.password, ip=_ip(request), agent=agent
    )
    return await _welcome(resources, signed_in)


@delete("/session", operation_id="signOut", status_code=204, tags=TAGS)
async def sign_out(context: NamedDependency[Context]) -> Response[None]:
    _require_session(context)
    async with context.resources.db.begin(context.actor.workspace_id) as tx:
        await actions.sign_out(tx, context.actor)
    return Response(None, status_code=204, cookies=[_cookie(context.resources, "", 0)])


@delete("/sessions", operation_id="signOutEverywhere", status_code=204, tags=TAGS)
async def sign_out_everywhere(context: NamedDependency[Context]) -> Response[None]:
    _require_session(context)
    async with context.resources.db.begin(context.actor.workspace_id) as tx:
        await actions.sign_out_everywhere(tx, context.actor)
    return Response(None, status_code=204, cookies=[_cookie(context.resources, "", 0)])


@get("/sessions", operation_id="listSessions", tags=TAGS)
async def list_sessions(context: NamedDependency[Context]) -> paging.Page[schemas.Session]:
    _require_session(context)
    async with context.resources.db.begin(context.actor.workspace_id) as tx:
        return paging.Page(items=await queries.sessions(tx, context.actor))


@get("/me", operation_id="getMe", tags=TAGS)
async def get_me(context: NamedDependency[Context]) -> schemas.Me:
    async with context.resources.db.begin(context.actor.workspace_id) as tx:
        return await queries.me(tx, context.actor, await queries.cursor(tx))


@patch("/me", operation_id="changeMe", tags=TAGS)
async def change_me(data: JSONBody[schemas.MeChange], context: NamedDependency[Context]) -> schemas.Me:
    """One's own name, password and preferences. Not with an API token: those act for a user, they are not one.

    A new password ends every other session and every API token of the user; ``ended`` says how many."""
    if context.actor.session_id is None:
        raise Forbidden("An API token cannot change the user that it acts for. Sign in instead.", code="session_needed")
    given = _given(data)
    db, actor = context.resources.db, context.actor
    ended: schemas.Ended | UnsetType = UNSET
    password, password_hash = given.pop("password", None), None
    if password:
        password_hash = await actions.new_password(db, actor, current=password.current, new=password.new)
    async with db.begin(actor.workspace_id) as tx:  # all of it or nothing: who gets a refusal keeps their sign-ins
        await actions.change_me(tx, actor, **given)
        if password_hash:
            ended = await actions.set_password(tx, actor.user_id, password_hash, keep=actor.session_id, by=actor)
        me = await queries.me(tx, actor, await queries.cursor(tx))
    return msgspec.structs.replace(me, ended=ended)


@get("/workspace", operation_id="getWorkspace", tags=TAGS)
async def get_workspace(context: NamedDependency[Context]) -> schemas.Workspace:
    async with context.begin("people:read") as tx:
        return await queries.workspace(tx)


@patch("/workspace", operation_id="changeWorkspace", tags=TAGS)
async def change_workspace(
    data: JSONBody[schemas.WorkspaceChange], context: NamedDependency[Context]
) -> schemas.Workspace:
    given = _given(data)
    settings = _given(given.pop("settings")) if "settings" in given else None
    async with context.begin("workspace:write") as tx:
        return await actions.change_workspace(tx, by=context.actor, settings=settings, **given)


@get("/users", operation_id="listUsers", tags=TAGS)
async def list_users(
    context: NamedDependency[Context], cursor: Cursor = None, limit: Limit = None
) -> paging.Page[schemas.User]:
    async with context.begin("people:read") as tx:
        return await queries.users(tx, cursor, limit)


@post("/users", operation_id="createUser", status_code=201, tags=TAGS)
async def create_user(data: JSONBody[schemas.NewUser], context: NamedDependency[Context]) -> schemas.User:
    """Not with an API token: who is made can sign in."""
    context.actor.require("people:write")
    _require_session(context)
    password_hash = await actions.hashed(data.password)
    async with context.begin("people:write") as tx:
        made = await actions.create_user(
            tx, name=data.name, email=data.email, role=data.role, password_hash=password_hash, by=context.actor
        )
        return queries.user_out(made)


@patch("/users/{user_id:int}", operation_id="changeUser", tags=TAGS)
async def change_user(
    user_id: PathId, data: JSONBody[schemas.UserChange], context: NamedDependency[Context]
) -> schemas.User:
    """``role`` and ``active`` not with an API token: they end the user's sign-ins, or let them sign in again."""
    given = _given(data)
    context.actor.require("people:write")
    if not given.keys().isdisjoint(ENDS_SIGN_INS):
        _require_session(context)
    async with context.begin("people:write") as tx:
        return queries.user_out(await actions.change_user(tx, user_id, by=context.actor, **given))


@get("/teams", operation_id="listTeams", tags=TAGS)
async def list_teams(context: NamedDependency[Context]) -> paging.Page[schemas.Team]:
    async with context.begin("people:read") as tx:
        return paging.Page(items=await queries.teams(tx))


@post("/teams", operation_id="createTeam", status_code=201, tags=TAGS)
async def create_team(data: JSONBody[schemas.NewTeam], context: NamedDependency[Context]) -> schemas.Team:
    async with context.begin("people:write") as tx:
        return await actions.create_team(tx, name=data.name, member_ids=data.member_ids, by=context.actor)


@patch("/teams/{team_id:int}", operation_id="changeTeam", tags=TAGS)
async def change_team(
    team_id: PathId, data: JSONBody[schemas.TeamChange], context: NamedDependency[Context]
) -> schemas.Team:
    async with context.begin("people:write") as tx:
        return await actions.change_team(tx, team_id, by=context.actor, **_given(data))


@delete("/teams/{team_id:int}", operation_id="deleteTeam", status_code=204, tags=TAGS)
async def delete_team(team_id: PathId, context: NamedDependency[Context]) -> None:
    async with context.begin("people:write") as tx:
        await actions.delete_team(tx, team_id, by=context.actor)


@get("/tokens", operation_id="listTokens", tags=TAGS)
async def list_tokens(context: NamedDependency[Context]) -> paging.Page[schemas.Token]:
    """One's own API tokens."""
    _require_session(context)
    async with context.resources.db.begin(context.actor.workspace_id) as tx:
        rows = await queries.tokens(tx, context.actor.user_id)
    return paging.Page(items=rows)


@post("/tokens", operation_id="createToken", status_code=201, tags=TAGS)
async def create_token(data: JSONBody[schemas.NewToken], context: NamedDependency[Context]) -> schemas.Token:
    """The token is in this answer and never again. It can do no more than the one who makes it."""
    _require_session(context)
    for scope in data.scopes:
        context.actor.require(scope)
    actor = context.actor
    async with context.resources.db.begin(actor.workspace_id) as tx:
        row, token = await actions.create_token(
            tx, actor.user_id, name=data.name, scopes=data.scopes, expires_at=data.expires_at, ip=actor.ip
        )
    return msgspec.structs.replace(queries.token_out(row), token=token)


@delete("/tokens/{token_id:int}", operation_id="revokeToken", status_code=204, tags=TAGS)
async def revoke_token(token_id: PathId, context: NamedDependency[Context]) -> None:
    _require_session(context)
    actor = context.actor
    async with context.resources.db.begin(actor.workspace_id) as tx:
        await actions.revoke_token(tx, token_id, user_id=actor.user_id, ip=actor.ip)


@get("/audit", operation_id="listAudit", tags=TAGS)
async def list_audit(
    context: NamedDependency[Context], cursor: Cursor = None, limit: Limit = None
) -> paging.Page[schemas.AuditEntry]:
    async with context.begin("audit:read") as tx:
        return await queries.audit(tx, cursor, limit)


ROUTES = [
    get_setup,
    set_up,
    sign_in,
    sign_out,
    sign_out_everywhere,
    list_sessions,
    get_me,
    change_me,
    get_workspace,
    change_workspace,
    list_users,
    create_user,
    change_user,
    list_teams,
    create_team,
    change_team,
    delete_team,
    list_tokens,
    create_token,
    revoke_token,
    list_audit,
]
