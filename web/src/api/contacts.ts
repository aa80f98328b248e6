import { client, result } from "./http";
import type { Contact, Conversation, Id, Page, Suggestion } from "./types";

const at = (id: Id) => ({ params: { path: { contact_id: id } } });
const atPoint = (id: Id, point: Id) => ({ params: { path: { contact_id: id, point_id: point } } });
const atTag = (id: Id, tag: Id) => ({ params: { path: { contact_id: id, tag_id: tag } } });
const atSuggestion = (id: Id) => ({ params: { path: { suggestion_id: id } } });

export const listContacts = (
  q: string,
  cursor?: string | null,
  limit = 50,
  signal?: AbortSignal,
): Promise<Page<Contact>> =>
  result(
    client.GET("/api/v1/contacts", { params: { query: { q: q || undefined, cursor, limit } }, signal }),
  ) as Promise<Page<Contact>>;
export const readContact = (id: Id): Promise<Contact> => result(client.GET("/api/v1/contacts/{contact_id}", at(id)));
export const createContact = (body: { name: string; points: { kind: string; value: string }[] }): Promise<Contact> =>
  result(client.POST("/api/v1/contacts", { body }));
export const changeContact = (
  id: Id,
  body: { name?: string; note?: string; timezone?: string | null },
): Promise<Contact> => result(client.PATCH("/api/v1/contacts/{contact_id}", { ...at(id), body }));
export const deleteContact = (id: Id): Promise<void> =>
  result(client.DELETE("/api/v1/contacts/{contact_id}", at(id))) as Promise<void>;
export const addPoint = (id: Id, point: { kind: string; value: string }): Promise<Contact> =>
  result(client.POST("/api/v1/contacts/{contact_id}/points", { ...at(id), body: point }));
export const removePoint = (id: Id, point: Id): Promise<void> =>
  result(client.DELETE("/api/v1/contacts/{contact_id}/points/{point_id}", atPoint(id, point))) as Promise<void>;
export const setConsent = (id: Id, point: Id, optedOut: boolean, reason: string): Promise<Contact> =>
  result(
    client.PUT("/api/v1/contacts/{contact_id}/points/{point_id}/consent", {
      ...atPoint(id, point),
      body: { opted_out: optedOut, reason },
    }),
  );
export const putTag = (id: Id, tag: Id, on: boolean): Promise<void> =>
  result(
    on
      ? client.PUT("/api/v1/contacts/{contact_id}/tags/{tag_id}", atTag(id, tag))
      : client.DELETE("/api/v1/contacts/{contact_id}/tags/{tag_id}", atTag(id, tag)),
  ) as Promise<void>;
export const conversationsOf = async (id: Id): Promise<Conversation[]> =>
  (await result(client.GET("/api/v1/contacts/{contact_id}/conversations", at(id)))).items;
export const suggestionsFor = (contact: Id): Promise<Suggestion[]> =>
  result(client.GET("/api/v1/suggestions", { params: { query: { contact_id: contact } } }));
export const answerSuggestion = (id: Id, accept: boolean): Promise<unknown> =>
  accept
    ? result(client.POST("/api/v1/suggestions/{suggestion_id}/accept", atSuggestion(id)))
    : result(client.POST("/api/v1/suggestions/{suggestion_id}/dismiss", atSuggestion(id)));
