import { client, result } from "./http";
import type { components } from "./schema";
import type { Audience, Conversation, Counts, Draft, DraftBody, DraftMode, Id, Page, Route, View } from "./types";

export interface Filter {
  view: View;
  channel?: string;
  inbox_id?: Id;
  assignee_id?: Id;
  label_id?: Id;
  contact_id?: Id;
  q?: string;
}
export type Changes = components["schemas"]["ConversationPatch"];
export type NewConversation = components["schemas"]["ConversationIn"];

const at = (id: Id) => ({ params: { path: { conversation_id: id } } });
const atLabel = (id: Id, label: Id) => ({ params: { path: { conversation_id: id, label_id: label } } });

export const listConversations = (filter: Filter, cursor?: string | null, limit = 50): Promise<Page<Conversation>> =>
  result(client.GET("/api/v1/conversations", { params: { query: { ...filter, cursor, limit } } })) as Promise<
    Page<Conversation>
  >;
export const countConversations = (): Promise<Counts> => result(client.GET("/api/v1/conversations/counts"));
export const readConversation = (id: Id): Promise<Conversation> =>
  result(client.GET("/api/v1/conversations/{conversation_id}", at(id)));
export const changeConversation = (id: Id, body: Changes): Promise<Conversation> =>
  result(client.PATCH("/api/v1/conversations/{conversation_id}", { ...at(id), body }));
export const openConversation = (body: NewConversation, key: string): Promise<Conversation> =>
  result(client.POST("/api/v1/conversations", { body, headers: { "Idempotency-Key": key } }));

export const markRead = (id: Id, count: number): Promise<void> =>
  result(client.POST("/api/v1/conversations/{conversation_id}/read", { ...at(id), body: { count } })) as Promise<void>;
export const markUnread = (id: Id): Promise<void> =>
  result(client.POST("/api/v1/conversations/{conversation_id}/unread", at(id))) as Promise<void>;
export const star = (id: Id, on: boolean): Promise<void> =>
  result(
    on
      ? client.PUT("/api/v1/conversations/{conversation_id}/star", at(id))
      : client.DELETE("/api/v1/conversations/{conversation_id}/star", at(id)),
  ) as Promise<void>;
export const putLabel = (id: Id, label: Id, on: boolean): Promise<void> =>
  result(
    on
      ? client.PUT("/api/v1/conversations/{conversation_id}/labels/{label_id}", atLabel(id, label))
      : client.DELETE("/api/v1/conversations/{conversation_id}/labels/{label_id}", atLabel(id, label)),
  ) as Promise<void>;
export const mergeConversation = (id: Id, into: Id): Promise<Conversation> =>
  result(client.POST("/api/v1/conversations/{conversation_id}/merge", { ...at(id), body: { into } }));
export const sayTyping = (id: Id, on: boolean, audience: Audience): Promise<void> =>
  result(
    client.POST("/api/v1/conversations/{conversation_id}/typing", { ...at(id), body: { on, audience } }),
  ) as Promise<void>;
export const readRoutes = (id: Id): Promise<Route[]> =>
  result(client.GET("/api/v1/conversations/{conversation_id}/routes", at(id)));

export const readDrafts = (id: Id): Promise<Draft[]> =>
  result(client.GET("/api/v1/conversations/{conversation_id}/draft", at(id))) as Promise<unknown> as Promise<Draft[]>;
export const saveDraft = (id: Id, mode: DraftMode, body: DraftBody): Promise<void> =>
  result(
    client.PUT("/api/v1/conversations/{conversation_id}/draft", { ...at(id), body: { mode, body: { ...body } } }),
  ) as Promise<void>;
