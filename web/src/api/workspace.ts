import { get, patch, post, remove } from "./http";
import type {
  AuditEntry,
  Channel,
  Id,
  Inbox,
  Label,
  Me,
  Message,
  Page,
  Preferences,
  Role,
  Session,
  SetAside,
  Tag,
  Team,
  Token,
  User,
  Workspace,
} from "./types";

/** Lists that fit on one page come as an array or as a page; callers only want the items. */
async function all<T>(path: string): Promise<T[]> {
  const answer = await get<T[] | Page<T>>(path);
  return Array.isArray(answer) ? answer : answer.items;
}

export const readSetup = () => get<{ needed: boolean }>("/setup");
export interface SetupIn {
  workspace: string;
  name: string;
  email: string;
  password: string;
  timezone: string;
}
export const setUp = (body: SetupIn) => post<Me>("/setup", body);
export const signIn = (email: string, password: string) => post<Me>("/session", { email, password });
export const signOut = () => remove<void>("/session");
export const signOutEverywhere = () => remove<void>("/sessions");
export const listSessions = () => all<Session>("/sessions");
export const readMe = () => get<Me>("/me");
export interface MeChanges {
  name?: string;
  password?: { current: string; new: string };
  preferences?: Preferences;
}
export const changeMe = (changes: MeChanges) => patch<unknown>("/me", changes);
export const changeWorkspace = (changes: Partial<Pick<Workspace, "name" | "timezone" | "settings">>) =>
  patch<Workspace>("/workspace", changes);

export const listUsers = () => all<User>("/users");
export const createUser = (body: { name: string; email: string; role: Role; password: string }) => post<User>("/users", body);
export const changeUser = (id: Id, changes: Partial<Pick<User, "name" | "role" | "active" | "only_assigned">>) =>
  patch<User>(`/users/${id}`, changes);

export const listTeams = () => all<Team>("/teams");
export const createTeam = (body: Omit<Team, "id">) => post<Team>("/teams", body);
export const changeTeam = (id: Id, changes: Partial<Omit<Team, "id">>) => patch<Team>(`/teams/${id}`, changes);
export const deleteTeam = (id: Id) => remove<void>(`/teams/${id}`);

export type Coloured = "labels" | "tags";
export const listColoured = (kind: Coloured) => all<Label | Tag>(`/${kind}`);
export const createColoured = (kind: Coloured, body: Omit<Label, "id">) => post<Label>(`/${kind}`, body);
export const changeColoured = (kind: Coloured, id: Id, changes: Partial<Omit<Label, "id">>) => patch<Label>(`/${kind}/${id}`, changes);
export const deleteColoured = (kind: Coloured, id: Id) => remove<void>(`/${kind}/${id}`);

export const listTokens = () => all<Token>("/tokens");
export const createToken = (body: { name: string; scopes: string[]; expires_at?: string }) => post<Token>("/tokens", body);
export const deleteToken = (id: Id) => remove<void>(`/tokens/${id}`);

export const listChannels = () => all<Channel>("/channels");
export const listInboxes = () => all<Inbox>("/inboxes");
export interface InboxIn {
  channel: string;
  name: string;
  settings: Record<string, unknown>;
}
export const createInbox = (body: InboxIn) => post<Inbox>("/inboxes", body);
export const changeInbox = (
  id: Id,
  changes: { name?: string; settings?: Record<string, unknown>; enabled?: boolean; rate_per_minute?: number | null },
) => patch<Inbox>(`/inboxes/${id}`, changes);
export const deleteInbox = (id: Id) => remove<void>(`/inboxes/${id}`);
export const testInbox = (id: Id) => post<{ ok: boolean; message: string }>(`/inboxes/${id}/test`, {});
export const sendTestMessage = (id: Id, to: string, text?: string) =>
  post<Message>(`/inboxes/${id}/test-message`, text ? { to, text } : { to });

export const listAudit = (cursor?: string | null) => get<Page<AuditEntry>>("/audit", { cursor, limit: 50 });
export const listSetAside = (cursor?: string | null) => get<Page<SetAside>>("/set-aside", { cursor, limit: 50 });
export const settleSetAside = (id: Id, how: "replay" | "discard") => post<unknown>(`/set-aside/${id}/${how}`, {});
