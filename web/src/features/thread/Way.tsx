import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { sentence } from "@/api/http";
import { readDetails } from "@/api/messages";
import type { DeliveryDetails, DeliveryState, Message } from "@/api/types";
import { maybe, t } from "@/i18n";
import { classes } from "@/lib/text";
import { mediumTime } from "@/lib/time";
import { Spinner } from "@/ui/bits";
import { CopyLine } from "@/ui/CopyLine";
import { Check, CheckCheck, CircleAlert, CircleHelp, Clock, Inbox, Send, type LucideIcon } from "@/ui/icons";

export const MARKS: Record<DeliveryState, [LucideIcon, string]> = {
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

interface StepProps {
  icon: LucideIcon;
  tone: string;
  title: string;
  at: string;
  children?: ReactNode;
}

const Step = ({ icon: Icon, tone, title, at, children }: StepProps) => (
  <li className="flex gap-2.5">
    <Icon size={15} className={classes("mt-0.5 shrink-0", tone || "text-mute")} aria-hidden />
    <div className="min-w-0 flex-1">
      <p className="font-medium">
        {title}
        <span className="ms-2 text-xs font-normal text-mute">{mediumTime(at)}</span>
      </p>
      {children}
    </div>
  </li>
);

const Note = ({ children }: { children: ReactNode }) => <p className="text-xs break-words text-mute">{children}</p>;

type Attempt = DeliveryDetails["attempts"][number];

const FINE = ["accepted", "found"];

/** "To +3…11 · 42 characters · 0.4 s": what was asked, without a word of the message. */
function asked(attempt: Attempt): string {
  const { to, characters } = attempt.request as { to?: string; characters?: number };
  const parts = [];
  if (to) parts.push(t("way.to", { to }));
  if (characters !== undefined) parts.push(t("way.characters", { count: characters }));
  if (attempt.began_at) {
    const seconds = (Date.parse(attempt.at) - Date.parse(attempt.began_at)) / 1000;
    if (seconds >= 0) parts.push(t("way.took", { seconds: seconds.toFixed(1) }));
  }
  return parts.join(" · ");
}

const Tried = ({ attempt }: { attempt: Attempt }) => (
  <Step
    icon={Send}
    tone={FINE.includes(attempt.outcome) ? "" : attempt.outcome === "rejected" ? "text-bad" : "text-warn"}
    title={maybe(`attempt.${attempt.outcome}`, attempt.outcome)}
    at={attempt.at}
  >
    {attempt.reason && <Note>{attempt.reason}</Note>}
    {attempt.code && <Note>{t("delivery.code", { code: attempt.code })}</Note>}
    <Note>{asked(attempt)}</Note>
  </Step>
);

const Heading = ({ text }: { text: string }) => <h3 className="mb-1.5 text-xs font-semibold text-mute">{text}</h3>;

function Sections({ details }: { details: DeliveryDetails }) {
  const { arrived, attempts } = details;
  // Our own note and the provider's word for the same step are one step to a reader.
  const receipts = details.receipts.filter(
    (step, index, all) => step.reason || step.code || step.state !== all[index - 1]?.state,
  );
  return (
    <div className="flex flex-col gap-4 text-sm">
      {arrived && (
        <ol className="flex flex-col gap-2.5">
          <Step icon={Inbox} tone="" title={t("way.arrived")} at={arrived.received_at}>
            <Note>{t("way.number", { id: arrived.id })}</Note>
          </Step>
          {arrived.read_at && <Step icon={Check} tone="" title={t("way.read")} at={arrived.read_at} />}
        </ol>
      )}
      {receipts.length > 0 && (
        <section>
          <Heading text={t("delivery.title")} />
          <ol className="flex flex-col gap-2.5">
            {receipts.map((step, index) => {
              const [icon, tone] = MARKS[step.state] ?? MARKS.queued;
              return (
                <Step key={index} icon={icon} tone={tone} title={t(`delivery.${step.state}`)} at={step.at}>
                  {step.reason && <Note>{step.reason}</Note>}
                  {step.code && <Note>{t("delivery.code", { code: step.code })}</Note>}
                </Step>
              );
            })}
          </ol>
        </section>
      )}
      {attempts.length > 0 && (
        <section>
          <Heading text={t("way.attempts")} />
          <ol className="flex flex-col gap-2.5">
            {attempts.map((attempt, index) => (
              <Tried key={index} attempt={attempt} />
            ))}
          </ol>
        </section>
      )}
      <section className="flex flex-col gap-1.5">
        {details.external_id && (
          <>
            <Heading text={t("way.external")} />
            <CopyLine label={t("way.external")} text={details.external_id} />
          </>
        )}
        {details.trace && (
          <>
            <Heading text={t("way.trace")} />
            <CopyLine label={t("way.trace")} text={details.trace} />
          </>
        )}
      </section>
    </div>
  );
}

/** How a message came, or got there: every attempt, what its provider said of it, and where the log tells of it. */
export function Way({ message }: { message: Message }) {
  const found = useQuery({ queryKey: ["way", message.id], queryFn: () => readDetails(message.id), staleTime: 0 });
  if (found.isPending) return <Spinner />;
  if (found.isError) return <p className="text-bad">{sentence(found.error)}</p>;
  return <Sections details={found.data} />;
}
