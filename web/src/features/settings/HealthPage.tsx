import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { sentence } from "@/api/http";
import type { Alert, Channel, Health } from "@/api/types";
import { readHealth, settleRestored } from "@/api/workspace";
import { maybe, t } from "@/i18n";
import { classes } from "@/lib/text";
import { mediumTime, spanInWords } from "@/lib/time";
import { Empty, Failure, Spinner } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { useChannels } from "@/ui/Channel";
import { confirm } from "@/ui/Confirm";
import { Check, CircleAlert, Info } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";

/** What waits since a backup was restored: a person decides once for all of it. */
function Restored({ onChanged }: { onChanged: () => void }) {
  const [busy, setBusy] = useState(false);
  const settle = async (send: boolean) => {
    const key = send ? "send" : "cancel";
    const asked = { title: t(`restored.${key}_title`), text: t(`restored.${key}_text`), action: t(`restored.${key}`) };
    if (!(await confirm(asked))) return;
    setBusy(true);
    try {
      let left = 1;
      while (left > 0) ({ left } = await settleRestored(send));
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
    setBusy(false);
    onChanged();
  };
  return (
    <>
      <Button small busy={busy} onClick={() => void settle(true)}>
        {t("restored.send")}
      </Button>
      <Button small tone="danger" busy={busy} onClick={() => void settle(false)}>
        {t("restored.cancel")}
      </Button>
    </>
  );
}

function One({ alert, onChanged }: { alert: Alert; onChanged: () => void }) {
  const page = alert.severity === "page";
  const Icon = page ? CircleAlert : Info;
  return (
    <li className={classes("rounded-2xl border bg-panel p-4", page ? "border-bad" : "border-warn")}>
      <div className="flex gap-3">
        <Icon size={18} className={classes("mt-0.5 shrink-0", page ? "text-bad" : "text-warn")} aria-hidden />
        <div className="min-w-0 flex-1">
          <p className="font-semibold">{alert.sentence}</p>
          <p className="mt-0.5 text-mute">{alert.advice}</p>
          <p className="mt-1 text-xs text-mute">{t("health.since", { time: mediumTime(alert.since) })}</p>
          <p className="mt-3 flex flex-wrap gap-2 empty:hidden">
            {alert.name === "restored_held" && <Restored onChanged={onChanged} />}
            {alert.link !== "/settings/health" && (
              <Link to={alert.link} className="rounded-lg py-1 font-medium text-accent underline underline-offset-2">
                {t("health.look")}
              </Link>
            )}
          </p>
        </div>
      </div>
    </li>
  );
}

/** "frontdesk_disk_free_ratio" → the figure as people read it. */
function shown(figure: Health["figures"][number]): string {
  if (figure.name.endsWith("_ratio")) return `${Math.round(figure.value * 100)} %`;
  if (figure.name.endsWith("_seconds")) {
    const seconds = Math.round(figure.value);
    if (seconds === 0) return t("health.nothing");
    return seconds < 60 ? t("health.seconds", { seconds }) : spanInWords(seconds * 1000);
  }
  return String(Math.round(figure.value));
}

const of = (figure: Health["figures"][number]): string => Object.values(figure.labels).join(" · ");

/** The same as people read it: "Live chat · Connected". */
function ofInWords({ labels }: Health["figures"][number], channels: readonly Channel[]): string {
  return Object.entries(labels)
    .map(([name, value]) =>
      name === "channel"
        ? (channels.find((channel) => channel.name === value)?.title ?? value)
        : maybe(`${name}.${value}`, value),
    )
    .join(" · ");
}

/** The same figure of several channels is said once, with a line for each of them. */
function Figures({ figures }: { figures: Health["figures"] }) {
  const channels = useChannels();
  const groups = new Map<string, Health["figures"]>();
  for (const figure of figures) groups.set(figure.name, [...(groups.get(figure.name) ?? []), figure]);
  return (
    <div className="overflow-hidden rounded-2xl border border-line bg-panel">
      {[...groups].map(([name, group]) => {
        const [first] = group;
        const alone = first && group.length === 1 && of(first) === "";
        return (
          <dl key={name} className="border-b border-line px-4 py-2.5 last:border-0">
            <div className="flex items-baseline gap-4">
              <dt className="min-w-0 flex-1">{maybe(`figure.${name}`, first?.words ?? name)}</dt>
              {alone && <dd className="font-medium tabular-nums">{shown(first)}</dd>}
            </div>
            {!alone &&
              group.map((figure) => (
                <div key={of(figure)} className="flex items-baseline gap-4 ps-4 pt-1">
                  <dt className="min-w-0 flex-1 text-mute">{ofInWords(figure, channels)}</dt>
                  <dd className="font-medium tabular-nums">{shown(figure)}</dd>
                </div>
              ))}
          </dl>
        );
      })}
    </div>
  );
}

/** The server looks no more often than this. */
const AGAIN_MS = 15_000;

/** Is everything as it should be, and if not, what is there to do. */
export function HealthPage() {
  const found = useQuery({ queryKey: ["health"], queryFn: readHealth, refetchInterval: AGAIN_MS, staleTime: 0 });
  return (
    <Page title={t("settings.health")} text={t("health.text")} narrow>
      {found.isPending ? (
        <Spinner />
      ) : found.isError ? (
        <Failure text={sentence(found.error)} onRetry={() => void found.refetch()} />
      ) : (
        <>
          {found.data.alerts.length === 0 ? (
            <Empty icon={Check} title={t("health.fine")} text={t("health.fine_text")} />
          ) : (
            <ul className="flex flex-col gap-3">
              {found.data.alerts.map((alert) => (
                <One key={alert.name} alert={alert} onChanged={() => void found.refetch()} />
              ))}
            </ul>
          )}
          <h2 className="mt-8 mb-2 font-semibold">{t("health.figures")}</h2>
          <Figures figures={found.data.figures} />
        </>
      )}
    </Page>
  );
}
