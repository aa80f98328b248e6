import { address, client, result } from "./http";
import type { components } from "./schema";
import type {
  CommentIn,
  DeliveryDetails,
  Id,
  Message,
  MessageIn,
  Page,
  ScheduledMessage,
  StoredFile,
  Time,
} from "./types";

const at = (id: Id) => ({ params: { path: { message_id: id } } });
const into = (conversation: Id, key: string) => ({
  params: { path: { conversation_id: conversation } },
  headers: { "Idempotency-Key": key },
});

/** The schema knows the state of a delivery as any text; this app knows the words. */
const message = (call: Parameters<typeof result>[0]): Promise<Message> => result(call) as Promise<Message>;

export const listMessages = (conversation: Id, before?: string | null, limit = 50): Promise<Page<Message>> =>
  result(
    client.GET("/api/v1/conversations/{conversation_id}/messages", {
      params: { path: { conversation_id: conversation }, query: { before, limit } },
    }),
  ) as Promise<Page<Message>>;
export const sendMessage = (conversation: Id, body: MessageIn, key: string): Promise<Message> =>
  message(client.POST("/api/v1/conversations/{conversation_id}/messages", { ...into(conversation, key), body }));
export const addComment = (conversation: Id, body: CommentIn, key: string): Promise<Message> =>
  message(client.POST("/api/v1/conversations/{conversation_id}/comments", { ...into(conversation, key), body }));

export const cancelMessage = (id: Id): Promise<Message> =>
  message(client.POST("/api/v1/messages/{message_id}/cancel", at(id)));
export const retryMessage = (id: Id, mark?: "sent" | "resend"): Promise<Message> =>
  message(client.POST("/api/v1/messages/{message_id}/retry", { ...at(id), body: mark ? { mark } : {} }));
export const changeMessage = (id: Id, body: { text?: string; due_at?: Time }): Promise<Message> =>
  message(client.PATCH("/api/v1/messages/{message_id}", { ...at(id), body }));
export const sendNow = (id: Id): Promise<Message> =>
  message(client.POST("/api/v1/messages/{message_id}/send-now", at(id)));
export const moveMessage = (id: Id, conversation: Id): Promise<Message> =>
  message(client.POST("/api/v1/messages/{message_id}/move", { ...at(id), body: { conversation_id: conversation } }));
export const forwardMessage = (id: Id, body: components["schemas"]["ForwardIn"], key: string): Promise<Message> =>
  message(
    client.POST("/api/v1/messages/{message_id}/forward", { ...at(id), headers: { "Idempotency-Key": key }, body }),
  );
export const readDetails = (id: Id): Promise<DeliveryDetails> =>
  result(client.GET("/api/v1/messages/{message_id}/details", at(id))) as Promise<unknown> as Promise<DeliveryDetails>;
export const htmlAddress = (id: Id, images: boolean): string =>
  address(`/messages/${id}/html`, { images: images ? 1 : 0 });
export const sourceAddress = (id: Id): string => address(`/messages/${id}/source`);

export const listScheduled = (cursor?: string | null): Promise<Page<ScheduledMessage>> =>
  result(client.GET("/api/v1/scheduled", { params: { query: { cursor, limit: 50 } } })) as Promise<
    Page<ScheduledMessage>
  >;

/** The bytes of the file are the body; everything else about it stands in the address and the headers. */
export const uploadFile = (file: File, signal?: AbortSignal): Promise<StoredFile> =>
  result(
    client.POST("/api/v1/files", {
      params: { query: { name: file.name } },
      headers: { "Content-Type": file.type || "application/octet-stream" },
      body: file as never,
      bodySerializer: () => file,
      signal,
    }),
  ) as Promise<StoredFile>;
