import { useState } from "react";
import { sentence } from "@/api/http";
import { cancelMessage, sendNow } from "@/api/messages";
import type { Message } from "@/api/types";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { mediumTime } from "@/lib/time";
import { store } from "@/sync/store";
import { ChannelIcon } from "@/ui/Channel";
import { AlarmClock, ChevronDown } from "@/ui/icons";
import { toast } from "@/ui/toasts";
import { EditScheduled } from "@/features/scheduled/EditScheduled";

export async function settleScheduled(message: Message, verb: typeof cancelMessage): Promise<void> {
  try {
    store.receive("messages", await verb(message.id));
  } catch (error) {
    toast({ text: sentence(error), tone: "bad" });
  }
}

const Act = ({ text, onClick }: { text: string; onClick: () => void }) => (
  <button
    type="button"
    onClick={onClick}
    className="rounded px-1.5 py-0.5 text-xs font-semibold text-accent hover:bg-sel"
  >
    {text}
  </button>
);

function One({ message, onEdit }: { message: Message; onEdit: () => void }) {
  const held = message.delivery?.state === "held";
  const due = message.delivery?.due_at;
  return (
    <li
      className={classes(
        "rounded-xl border border-dashed bg-panel px-3 py-2",
        held ? "border-warn" : "border-accent/60",
      )}
    >
      <div className="flex flex-wrap items-center gap-x-2 gap-y-0.5 text-xs">
        <ChannelIcon name={message.channel} size={12} own />
        <span className={classes("font-semibold", held ? "text-warn" : "text-accent")}>
          {held ? t("delivery.held") : due ? mediumTime(due) : ""}
        </span>
        {held && message.delivery?.reason && <span className="text-mute">{message.delivery.reason}</span>}
        <span className="ms-auto flex">
          {!held && <Act text={t("edit")} onClick={onEdit} />}
          <Act text={t("scheduled.now")} onClick={() => void settleScheduled(message, sendNow)} />
          <Act text={t("scheduled.cancel")} onClick={() => void settleScheduled(message, cancelMessage)} />
        </span>
      </div>
      <p dir="auto" className="line-clamp-2 whitespace-pre-wrap">
        {message.text}
      </p>
    </li>
  );
}

/** What will be sent later, at the end of the thread. */
export function Scheduled({ messages }: { messages: readonly Message[] }) {
  const [open, setOpen] = useState(true);
  const [editing, setEditing] = useState<Message | null>(null);
  if (messages.length === 0) return null;
  return (
    <section aria-label={t("nav.scheduled")} className="max-h-48 shrink-0 overflow-y-auto px-3 pt-1 pb-2 sm:px-5">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="mb-1 flex items-center gap-1.5 text-xs font-medium text-mute hover:text-ink"
      >
        <AlarmClock size={13} aria-hidden />
        {t("scheduled.count", { count: messages.length })}
        <ChevronDown size={13} aria-hidden className={open ? "rotate-180" : ""} />
      </button>
      {open && (
        <ul className="flex flex-col gap-1.5">
          {messages.map((message) => (
            <One key={message.id} message={message} onEdit={() => setEditing(message)} />
          ))}
        </ul>
      )}
      {editing && <EditScheduled message={editing} onClose={() => setEditing(null)} />}
    </section>
  );
}
