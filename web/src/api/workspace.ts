import { client, result } from "./http";
import type { components } from "./schema";
import type {
  AuditEntry,
  Channel,
  Health,
  Id,
  Inbox,
  Label,
  Me,
  Message,
  Page,
  Preferences,
  Session,
  SetAside,
  SetAsideDetails,
  SetAsideGroup,
  Team,
  Token,
  User,
  Workspace,
} from "./types";

type Schemas = components["schemas"];

export const readSetup = (): Promise<{ needed: boolean }> => result(client.GET("/api/v1/setup"));
export const setUp = (body: Schemas["Setup"]): Promise<Me> =>
  result(client.POST("/api/v1/setup", { body })) as Promise<Me>;
export const signIn = (email: string, password: string): Promise<Me> =>
  result(client.POST("/api/v1/session", { body: { email, password } })) as Promise<Me>;
export const signOut = (): Promise<void> =>
  result(client.DELETE("/api/v1/session")) as Promise<unknown> as Promise<void>;
export const signOutEverywhere = (): Promise<void> =>
  result(client.DELETE("/api/v1/sessions")) as Promise<unknown> as Promise<void>;
export const listSessions = async (): Promise<Session[]> => (await result(client.GET("/api/v1/sessions"))).items;
export const readMe = (): Promise<Me> => result(client.GET("/api/v1/me")) as Promise<Me>;
export interface MeChanges {
  name?: string;
  password?: { current: string; new: string };
  preferences?: Preferences;
}
export const changeMe = ({ preferences, ...rest }: MeChanges): Promise<Me> =>
  result(
    client.PATCH("/api/v1/me", { body: { ...rest, ...(preferences && { preferences: { ...preferences } }) } }),
  ) as Promise<Me>;
export const changeWorkspace = (body: Schemas["WorkspaceChange"]): Promise<Workspace> =>
  result(client.PATCH("/api/v1/workspace", { body }));

const atUser = (id: Id) => ({ params: { path: { user_id: id } } });
export const listUsers = async (): Promise<User[]> => (await result(client.GET("/api/v1/users"))).items as User[];
export const createUser = (body: Schemas["NewUser"]): Promise<User> =>
  result(client.POST("/api/v1/users", { body })) as Promise<User>;
export const changeUser = (id: Id, body: Schemas["UserChange"]): Promise<User> =>
  result(client.PATCH("/api/v1/users/{user_id}", { ...atUser(id), body })) as Promise<User>;

const atTeam = (id: Id) => ({ params: { path: { team_id: id } } });
export const listTeams = async (): Promise<Team[]> => (await result(client.GET("/api/v1/teams"))).items;
export const createTeam = (body: Schemas["NewTeam"]): Promise<Team> => result(client.POST("/api/v1/teams", { body }));
export const changeTeam = (id: Id, body: Schemas["TeamChange"]): Promise<Team> =>
  result(client.PATCH("/api/v1/teams/{team_id}", { ...atTeam(id), body }));
export const deleteTeam = (id: Id): Promise<void> =>
  result(client.DELETE("/api/v1/teams/{team_id}", atTeam(id))) as Promise<void>;

/** Labels of conversations and tags of contacts: two tables with the same shape. */
export type Coloured = "labels" | "tags";
type ColouredIn = Omit<Label, "id">;
const atLabel = (id: Id) => ({ params: { path: { label_id: id } } });
const atTag = (id: Id) => ({ params: { path: { tag_id: id } } });
export const listColoured = async (kind: Coloured): Promise<Label[]> =>
  (await (kind === "labels" ? result(client.GET("/api/v1/labels")) : result(client.GET("/api/v1/tags")))).items;
export const createColoured = (kind: Coloured, body: ColouredIn): Promise<Label> =>
  kind === "labels" ? result(client.POST("/api/v1/labels", { body })) : result(client.POST("/api/v1/tags", { body }));
export const changeColoured = (kind: Coloured, id: Id, body: ColouredIn): Promise<Label> =>
  kind === "labels"
    ? result(client.PATCH("/api/v1/labels/{label_id}", { ...atLabel(id), body }))
    : result(client.PATCH("/api/v1/tags/{tag_id}", { ...atTag(id), body }));
export const deleteColoured = (kind: Coloured, id: Id): Promise<unknown> =>
  kind === "labels"
    ? result(client.DELETE("/api/v1/labels/{label_id}", atLabel(id)))
    : result(client.DELETE("/api/v1/tags/{tag_id}", atTag(id)));

export const listTokens = async (): Promise<Token[]> => (await result(client.GET("/api/v1/tokens"))).items;
export const createToken = (body: Schemas["NewToken"]): Promise<Token> =>
  result(client.POST("/api/v1/tokens", { body }));
export const deleteToken = (id: Id): Promise<void> =>
  result(client.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id: id } } })) as Promise<void>;

const atInbox = (id: Id) => ({ params: { path: { inbox_id: id } } });
export const listChannels = (): Promise<Channel[]> =>
  result(client.GET("/api/v1/channels")) as Promise<unknown> as Promise<Channel[]>;
export const listInboxes = async (): Promise<Inbox[]> => (await result(client.GET("/api/v1/inboxes"))).items;
export const createInbox = (body: Schemas["NewInbox"]): Promise<Inbox> =>
  result(client.POST("/api/v1/inboxes", { body }));
export const changeInbox = (id: Id, body: Schemas["InboxChange"]): Promise<Inbox> =>
  result(client.PATCH("/api/v1/inboxes/{inbox_id}", { ...atInbox(id), body }));
export const deleteInbox = (id: Id): Promise<void> =>
  result(client.DELETE("/api/v1/inboxes/{inbox_id}", atInbox(id))) as Promise<void>;
export const testInbox = (id: Id): Promise<{ ok: boolean; message: string }> =>
  result(client.POST("/api/v1/inboxes/{inbox_id}/test", atInbox(id)));
export const sendTestMessage = (id: Id, to: string, text: string): Promise<Message> =>
  result(
    client.POST("/api/v1/inboxes/{inbox_id}/test-message", { ...atInbox(id), body: { to, text } }),
  ) as Promise<Message>;

export const listAudit = (cursor?: string | null): Promise<Page<AuditEntry>> =>
  result(client.GET("/api/v1/audit", { params: { query: { cursor, limit: 50 } } })) as Promise<Page<AuditEntry>>;
const atRaw = (id: Id) => ({ params: { path: { raw_id: id } } });
export const listSetAside = (cursor?: string | null): Promise<Page<SetAside>> =>
  result(client.GET("/api/v1/set-aside", { params: { query: { cursor, limit: 50 } } })) as Promise<Page<SetAside>>;
export const listSetAsideGroups = (): Promise<SetAsideGroup[]> => result(client.GET("/api/v1/set-aside/groups"));
export const readSetAside = (id: Id): Promise<SetAsideDetails> =>
  result(client.GET("/api/v1/set-aside/{raw_id}", atRaw(id)));
export const replaySetAside = (id: Id): Promise<unknown> =>
  result(client.POST("/api/v1/set-aside/{raw_id}/replay", atRaw(id)));
export const editSetAside = (id: Id, text: string): Promise<unknown> =>
  result(client.POST("/api/v1/set-aside/{raw_id}/edit", { ...atRaw(id), body: { text } }));
export const discardSetAside = (id: Id, reason: string): Promise<unknown> =>
  result(client.POST("/api/v1/set-aside/{raw_id}/discard", { ...atRaw(id), body: { reason } }));
export const replayAllSetAside = (which: Schemas["Which"]): Promise<{ replayed: number }> =>
  result(client.POST("/api/v1/set-aside/replay", { body: which }));

export const readHealth = (): Promise<Health> => result(client.GET("/api/v1/alerts")) as Promise<Health>;
export const settleRestored = (send: boolean): Promise<{ settled: number; left: number }> =>
  result(client.POST("/api/v1/restored", { body: { send } }));
