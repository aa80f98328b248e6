// What leaves the composer, as the API takes it.
import type { Capabilities, CommentIn, MessageIn, Route, User } from "@/api/types";
import { addresses, type Draft } from "./drafts";

export const answerTo = (subject: string | null): string =>
  subject === null ? "" : /^re:/i.test(subject) ? subject : `Re: ${subject}`;

const attached = (draft: Draft) => draft.files.length > 0 && { files: draft.files.map((file) => file.id) };

export function commentOf(draft: Draft, users: readonly User[]): CommentIn {
  const mentions = users.filter((user) => draft.text.includes(`@${user.name}`)).map((user) => user.id);
  return { text: draft.text, ...(mentions.length > 0 && { mentions }), ...attached(draft) };
}

export interface Way {
  route: Route | undefined;
  can: Capabilities | undefined;
  /** Whether the text is written with formats. */
  rich: boolean;
  /** Used where the draft names none. */
  subject: string;
  due?: Date | undefined;
}

export function messageOf(draft: Draft, { route, can, rich, subject, due }: Way): MessageIn {
  return {
    text: draft.text,
    ...(rich && draft.html !== null && { html: draft.html }),
    ...(route && { inbox_id: route.inbox_id, point_id: route.point.id }),
    ...(can?.subject && { subject: draft.subject ?? subject }),
    ...(can?.copies && draft.cc && { cc: addresses(draft.cc) }),
    ...(can?.copies && draft.bcc && { bcc: addresses(draft.bcc) }),
    ...(due && { due_at: due.toISOString() }),
    ...attached(draft),
  };
}
