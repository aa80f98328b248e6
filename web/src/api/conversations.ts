import { get, patch, post, put, remove } from "./http";
import type {
  Audience,
  Conversation,
  Counts,
  Draft,
  DraftBody,
  DraftMode,
  Id,
  MessageIn,
  Page,
  Route,
  Status,
  Time,
  View,
} from "./types";

export interface Filter {
  view: View;
  channel?: string;
  inbox_id?: Id;
  assignee_id?: Id;
  label_id?: Id;
  contact_id?: Id;
  q?: string;
}

export const listConversations = (filter: Filter, cursor?: string | null, limit = 50) =>
  get<Page<Conversation>>("/conversations", { ...filter, cursor, limit });
export const countConversations = () => get<Counts>("/conversations/counts");
export const readConversation = (id: Id) => get<Conversation>(`/conversations/${id}`);

export interface Changes {
  status?: Status;
  snoozed_until?: Time | null;
  assignee_id?: Id | null;
  team_id?: Id | null;
  subject?: string | null;
}
export const changeConversation = (id: Id, changes: Changes) => patch<Conversation>(`/conversations/${id}`, changes);

export interface NewConversation {
  contact_id?: Id;
  to?: { kind: string; value: string; name?: string };
  inbox_id: Id;
  message?: MessageIn;
  second?: boolean;
}
export const openConversation = (body: NewConversation, key: string) => post<Conversation>("/conversations", body, { key });

export const markRead = (id: Id, count?: number) => post<void>(`/conversations/${id}/read`, count === undefined ? {} : { count });
export const markUnread = (id: Id) => post<void>(`/conversations/${id}/unread`, {});
export const star = (id: Id, on: boolean) => (on ? put<void> : remove<void>)(`/conversations/${id}/star`);
export const putLabel = (id: Id, label: Id, on: boolean) => (on ? put<void> : remove<void>)(`/conversations/${id}/labels/${label}`);
export const mergeConversation = (id: Id, into: Id) => post<Conversation>(`/conversations/${id}/merge`, { into });
export const sayTyping = (id: Id, on: boolean, audience: Audience) => post<void>(`/conversations/${id}/typing`, { on, audience });
export const readRoutes = (id: Id) => get<Route[]>(`/conversations/${id}/routes`);

/** The server may answer one draft, or both modes as a list, or nothing. */
export async function readDrafts(id: Id): Promise<Draft[]> {
  const answer = await get<Draft | Draft[] | { items: Draft[] } | null | undefined>(`/conversations/${id}/draft`);
  if (!answer) return [];
  if (Array.isArray(answer)) return answer;
  return "items" in answer ? answer.items : [answer];
}
export const saveDraft = (id: Id, mode: DraftMode, body: DraftBody) => put<unknown>(`/conversations/${id}/draft`, { mode, body });
