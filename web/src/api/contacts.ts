import { get, patch, post, put, remove } from "./http";
import type { Contact, Conversation, Id, Page, Suggestion } from "./types";

export const listContacts = (q: string, cursor?: string | null, limit = 50, signal?: AbortSignal) =>
  get<Page<Contact>>("/contacts", { q, cursor, limit }, signal);
export const readContact = (id: Id) => get<Contact>(`/contacts/${id}`);
export const createContact = (body: { name: string; points: { kind: string; value: string }[] }) => post<Contact>("/contacts", body);
export const changeContact = (id: Id, changes: { name?: string; note?: string; timezone?: string | null }) =>
  patch<Contact>(`/contacts/${id}`, changes);
export const deleteContact = (id: Id) => remove<void>(`/contacts/${id}`);
export const addPoint = (id: Id, point: { kind: string; value: string }) => post<unknown>(`/contacts/${id}/points`, point);
export const removePoint = (id: Id, point: Id) => remove<unknown>(`/contacts/${id}/points/${point}`);
export const setConsent = (id: Id, point: Id, optedOut: boolean, reason: string) =>
  put<unknown>(`/contacts/${id}/points/${point}/consent`, { opted_out: optedOut, reason });
export const putTag = (id: Id, tag: Id, on: boolean) => (on ? put<void> : remove<void>)(`/contacts/${id}/tags/${tag}`);
export const mergeContact = (id: Id, into: Id) => post<Contact>(`/contacts/${id}/merge`, { into });
export async function conversationsOf(id: Id): Promise<Conversation[]> {
  const answer = await get<Conversation[] | Page<Conversation>>(`/contacts/${id}/conversations`);
  return Array.isArray(answer) ? answer : answer.items;
}
export async function suggestionsFor(contact: Id): Promise<Suggestion[]> {
  const answer = await get<Suggestion[] | Page<Suggestion>>("/suggestions", { contact_id: contact });
  return Array.isArray(answer) ? answer : answer.items;
}
export const answerSuggestion = (id: Id, accept: boolean) => post<unknown>(`/suggestions/${id}/${accept ? "accept" : "dismiss"}`, {});
