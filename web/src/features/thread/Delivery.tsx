import { useQuery } from "@tanstack/react-query";
import { Popover } from "radix-ui";
import { sentence } from "@/api/http";
import { readDelivery, retryMessage } from "@/api/messages";
import type { DeliveryState, Message } from "@/api/types";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { mediumTime } from "@/lib/time";
import { store } from "@/sync/store";
import { Spinner } from "@/ui/bits";
import { Check, CheckCheck, CircleAlert, CircleHelp, Clock, type LucideIcon } from "@/ui/icons";
import { toast } from "@/ui/toasts";

const MARKS: Record<DeliveryState, [LucideIcon, string]> = {
  queued: [Clock, ""],
  sending: [Clock, ""],
  accepted: [Check, ""],
  sent: [Check, ""],
  delivered: [CheckCheck, ""],
  read: [CheckCheck, "text-accent"],
  failed: [CircleAlert, "text-bad"],
  uncertain: [CircleHelp, "text-warn"],
  held: [Clock, "text-warn"],
  cancelled: [CircleAlert, ""],
};

function Timeline({ message }: { message: Message }) {
  const steps = useQuery({ queryKey: ["delivery", message.id], queryFn: () => readDelivery(message.id), staleTime: 0 });
  if (steps.isPending) return <Spinner />;
  if (steps.isError) return <p className="p-3 text-bad">{sentence(steps.error)}</p>;
  return (
    <ol className="flex flex-col gap-2.5 p-3">
      {steps.data.map((step, index) => {
        const [Icon, tone] = MARKS[step.state] ?? MARKS.queued;
        return (
          <li key={index} className="flex gap-2.5">
            <Icon size={15} className={classes("mt-0.5 shrink-0", tone || "text-mute")} aria-hidden />
            <div className="min-w-0">
              <p className="font-medium">
                {t(`delivery.${step.state}`)}
                <span className="ms-2 text-xs font-normal text-mute">{mediumTime(step.at)}</span>
              </p>
              {step.reason && <p className="text-xs text-mute">{step.reason}</p>}
              {step.code && <p className="text-2xs text-mute">{t("delivery.code", { code: step.code })}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

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
          className="pop z-50 max-h-80 w-80 max-w-[calc(100vw-1rem)] overflow-y-auto rounded-xl border border-line bg-panel shadow-pop outline-none"
        >
          <Timeline message={message} />
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
