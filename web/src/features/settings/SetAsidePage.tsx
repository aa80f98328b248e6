import { useQuery } from "@tanstack/react-query";
import { sentence } from "@/api/http";
import type { SetAside } from "@/api/types";
import { listSetAside, settleSetAside } from "@/api/workspace";
import { t } from "@/i18n";
import { mediumTime } from "@/lib/time";
import { useRow } from "@/sync/store";
import { Empty, Failure, Spinner } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { confirm } from "@/ui/Confirm";
import { Check } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";

function One({ item, onChanged }: { item: SetAside; onChanged: () => void }) {
  const inbox = useRow("inboxes", item.inbox_id);
  const settle = async (how: "replay" | "discard") => {
    if (
      how === "discard" &&
      !(await confirm({ title: t("set_aside.discard_title"), text: t("set_aside.discard_text"), action: t("discard") }))
    )
      return;
    try {
      await settleSetAside(item.id, how);
      onChanged();
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  return (
    <li className="rounded-2xl border border-line bg-panel p-4">
      <p className="flex flex-wrap items-baseline gap-x-2">
        <bdi className="font-semibold">{inbox?.name ?? t("set_aside.no_inbox")}</bdi>
        <span className="text-xs text-mute">
          {mediumTime(item.received_at)} · {t("set_aside.attempts", { count: item.attempts })}
        </span>
      </p>
      <p className="mt-1 text-bad">{item.error}</p>
      {item.preview && (
        <pre
          dir="auto"
          className="mt-2 max-h-32 overflow-auto rounded-lg bg-raise px-3 py-2 font-mono text-xs whitespace-pre-wrap"
        >
          {item.preview}
        </pre>
      )}
      <div className="mt-3 flex gap-2">
        <Button small onClick={() => void settle("replay")}>
          {t("set_aside.replay")}
        </Button>
        <Button small tone="danger" onClick={() => void settle("discard")}>
          {t("discard")}
        </Button>
      </div>
    </li>
  );
}

/** Deliveries that could not be read. They block nothing, and nothing of them is lost. */
export function SetAsidePage() {
  const found = useQuery({ queryKey: ["set-aside"], queryFn: listSetAside });
  return (
    <Page title={t("settings.set_aside")} text={t("set_aside.text")} narrow>
      {found.isPending ? (
        <Spinner />
      ) : found.isError ? (
        <Failure text={sentence(found.error)} onRetry={() => void found.refetch()} />
      ) : found.data.length === 0 ? (
        <Empty icon={Check} title={t("set_aside.none")} text={t("set_aside.none_text")} />
      ) : (
        <ul className="flex flex-col gap-3">
          {found.data.map((item) => (
            <One key={item.id} item={item} onChanged={() => void found.refetch()} />
          ))}
        </ul>
      )}
    </Page>
  );
}
