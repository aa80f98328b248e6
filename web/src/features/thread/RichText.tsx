import { Fragment, type ReactNode } from "react";
import type { Id } from "@/api/types";
import { linkify } from "@/lib/text";
import { useRows } from "@/sync/store";

/** Bold names after "@", for the people who were mentioned. */
function withMentions(text: string, names: readonly string[]): ReactNode {
  if (names.length === 0) return text;
  const pattern = new RegExp(
    `(@(?:${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")}))`,
    "gu",
  );
  return text.split(pattern).map((part, index) =>
    index % 2 === 1 ? (
      <strong key={index} className="font-semibold">
        {part}
      </strong>
    ) : (
      part
    ),
  );
}

const NOBODY: readonly Id[] = [];

/** A text as it was written, with its links. */
export function RichText({ text, mentions = NOBODY }: { text: string; mentions?: readonly Id[] }) {
  const names = useRows("users")
    .filter((user) => mentions.includes(user.id))
    .map((user) => user.name);
  return (
    <p dir="auto" className="break-words whitespace-pre-wrap [overflow-wrap:anywhere]">
      {linkify(text).map((piece, index) =>
        piece.href ? (
          <a
            key={index}
            href={piece.href}
            target="_blank"
            rel="noopener noreferrer"
            className="underline decoration-current/40 underline-offset-2 hover:decoration-current"
          >
            {piece.text}
          </a>
        ) : (
          <Fragment key={index}>{withMentions(piece.text, names)}</Fragment>
        ),
      )}
    </p>
  );
}
