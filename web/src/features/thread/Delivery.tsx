import { Popover } from "radix-ui";
import { sentence } from "@/api/http";
import { retryMessage } from "@/api/messages";
import type { Message } from "@/api/types";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { store } from "@/sync/store";
import { toast } from "@/ui/toasts";
import { MARKS, Way } from "./Way";

/** The tick of a message we sent; opens how it got there. */
export function DeliveryMark({ message }: { message: Message }) {
  const state = message.delivery?.state;
  if (!state) return null;
  const [Icon, tone] = MARKS[state];
  return (
    <Popover.Root>
      <Popover.Trigger
        aria-label={t("delivery.details", { state: t(`delivery.${state}`) })}
        className={classes("-m-1 grid size-6 place-items-center rounded", tone)}
      >
        <Icon size={14} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side="top"
          align="end"
          collisionPadding={8}
          aria-label={t("delivery.title")}
          className="pop z-50 max-h-96 w-96 max-w-[calc(100vw-1rem)] overflow-y-auto rounded-xl border border-line bg-panel shadow-pop outline-none"
        >
          <div className="p-3">
            <Way message={message} />
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

async function retry(message: Message, mark?: "sent" | "resend"): Promise<void> {
  try {
    store.receive("messages", await retryMessage(message.id, mark));
  } catch (error) {
    toast({ text: sentence(error), tone: "bad" });
  }
}

const Act = ({ text, onClick }: { text: string; onClick: () => void }) => (
  <button type="button" onClick={onClick} className="font-semibold underline underline-offset-2">
    {text}
  </button>
);

/** What a person has to know or decide about a message that did not simply arrive. */
export function DeliveryNote({ message }: { message: Message }) {
  const delivery = message.delivery;
  if (delivery?.state === "failed") {
    return (
      <p className="mt-1 flex flex-wrap items-center justify-end gap-x-2 px-1 text-xs text-bad">
        <span>{delivery.reason ?? t("delivery.failed_text")}</span>
        <Act text={t("delivery.retry")} onClick={() => void retry(message)} />
      </p>
    );
  }
  if (delivery?.state === "uncertain") {
    return (
      <div className="mt-1 max-w-sm rounded-lg bg-warn-soft px-3 py-2 text-xs text-warn">
        <p>{t("delivery.uncertain_text")}</p>
        <p className="mt-1 flex gap-3">
          <Act text={t("delivery.mark_sent")} onClick={() => void retry(message, "sent")} />
          <Act text={t("delivery.resend")} onClick={() => void retry(message, "resend")} />
        </p>
      </div>
    );
  }
  return null;
}
