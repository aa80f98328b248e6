import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { go } from "@/actions/go";
import { cancelMessage, listScheduled, sendNow } from "@/api/messages";
import type { ScheduledMessage } from "@/api/types";
import { settleScheduled } from "@/features/thread/Scheduled";
import { t } from "@/i18n";
import { mediumTime } from "@/lib/time";
import { Avatar, Empty } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { ChannelIcon, useLook } from "@/ui/Channel";
import { AlarmClock } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { Paged } from "@/ui/Paged";
import { EditScheduled } from "./EditScheduled";

interface LineProps {
  message: ScheduledMessage;
  onEdit: () => void;
  onChanged: () => void;
}

function Line({ message, onEdit, onChanged }: LineProps) {
  const look = useLook(message.channel);
  const act = (verb: typeof sendNow) => () => void settleScheduled(message, verb).then(onChanged);
  const open = () =>
    go({ to: "/conversations/$view", params: { view: "all" }, search: { c: message.conversation_id } });
  return (
    <li className="rounded-2xl border border-line bg-panel p-4">
      <div className="flex items-start gap-3">
        <Avatar name={message.conversation.contact.name} size={36} />
        <div className="min-w-0 flex-1">
          <p className="flex flex-wrap items-center gap-x-2">
            <button type="button" onClick={open} className="font-semibold hover:underline">
              <bdi>{message.conversation.contact.name}</bdi>
            </button>
            <span className="flex items-center gap-1.5 text-xs text-mute">
              <ChannelIcon name={message.channel} size={12} own />
              {look.title} · {message.author.name}
            </span>
          </p>
          <p className="flex items-center gap-1.5 text-xs font-medium text-accent">
            <AlarmClock size={13} aria-hidden />
            {mediumTime(message.delivery?.due_at ?? message.at)}
          </p>
          <p dir="auto" className="mt-2 line-clamp-4 text-base whitespace-pre-wrap">
            {message.text}
          </p>
          <div className="mt-3 flex flex-wrap gap-2">
            <Button small onClick={onEdit}>
              {t("edit")}
            </Button>
            <Button small onClick={act(sendNow)}>
              {t("scheduled.now")}
            </Button>
            <Button small tone="danger" onClick={act(cancelMessage)}>
              {t("scheduled.cancel")}
            </Button>
          </div>
        </div>
      </div>
    </li>
  );
}

export function ScheduledPage() {
  const [editing, setEditing] = useState<ScheduledMessage | null>(null);
  const found = useInfiniteQuery({
    queryKey: ["scheduled"],
    queryFn: ({ pageParam }) => listScheduled(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const again = () => void found.refetch();
  return (
    <Page title={t("nav.scheduled")} text={t("scheduled.text")} narrow>
      <Paged
        found={found}
        empty={<Empty icon={AlarmClock} title={t("scheduled.none")} text={t("scheduled.none_text")} />}
      >
        {(messages) => (
          <ul className="flex flex-col gap-3">
            {messages.map((message) => (
              <Line key={message.id} message={message} onEdit={() => setEditing(message)} onChanged={again} />
            ))}
          </ul>
        )}
      </Paged>
      {editing && <EditScheduled message={editing} onClose={() => setEditing(null)} onSaved={again} />}
    </Page>
  );
}
