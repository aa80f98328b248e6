import { address, get, patch, post } from "./http";
import type { CommentIn, DeliveryStep, Id, Message, MessageIn, Page, ScheduledMessage, StoredFile, Time } from "./types";

export const listMessages = (conversation: Id, before?: string | null, limit = 50) =>
  get<Page<Message>>(`/conversations/${conversation}/messages`, { before, limit });
export const sendMessage = (conversation: Id, body: MessageIn, key: string) =>
  post<Message>(`/conversations/${conversation}/messages`, body, { key });
export const addComment = (conversation: Id, body: CommentIn, key: string) =>
  post<Message>(`/conversations/${conversation}/comments`, body, { key });

export const cancelMessage = (id: Id) => post<Message>(`/messages/${id}/cancel`, {});
export const retryMessage = (id: Id, mark?: "sent" | "resend") => post<Message>(`/messages/${id}/retry`, mark ? { mark } : {});
export const changeMessage = (id: Id, changes: { text?: string; due_at?: Time }) => patch<Message>(`/messages/${id}`, changes);
export const sendNow = (id: Id) => post<Message>(`/messages/${id}/send-now`, {});
export const moveMessage = (id: Id, conversation: Id) => post<Message>(`/messages/${id}/move`, { conversation_id: conversation });
export const readDelivery = (id: Id) => get<DeliveryStep[]>(`/messages/${id}/delivery`);
export const htmlAddress = (id: Id, images: boolean) => address(`/messages/${id}/html`, { images: images ? 1 : 0 });
export const sourceAddress = (id: Id) => address(`/messages/${id}/source`);

export const listScheduled = (cursor?: string | null) => get<Page<ScheduledMessage>>("/scheduled", { cursor, limit: 50 });
export const uploadFile = (file: File, signal?: AbortSignal) =>
  post<StoredFile>("/files", file, { query: { name: file.name }, signal });
