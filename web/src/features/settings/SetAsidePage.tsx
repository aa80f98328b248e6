import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sentence } from "@/api/http";
import type { SetAside, SetAsideDetails, SetAsideGroup } from "@/api/types";
import {
  discardSetAside,
  editSetAside,
  listSetAside,
  listSetAsideGroups,
  readSetAside,
  replayAllSetAside,
  replaySetAside,
} from "@/api/workspace";
import { t } from "@/i18n";
import { mediumTime } from "@/lib/time";
import { useRow } from "@/sync/store";
import { Empty, Spinner } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, FormError, INPUT, TextField } from "@/ui/Field";
import { Check } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { Paged } from "@/ui/Paged";
import { toast } from "@/ui/toasts";

const PRE = "max-h-64 overflow-auto rounded-lg bg-raise px-3 py-2 font-mono text-xs whitespace-pre-wrap break-words";

interface DialogProps {
  id: number;
  onClose: () => void;
  onChanged: () => void;
}

/** Whatever is done with a delivery: it says why it did not work, or closes and has the list read again. */
function useDoing({ onClose, onChanged }: DialogProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const run = async (act: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await act();
      onChanged();
      onClose();
    } catch (error) {
      setProblem(sentence(error));
      setBusy(false);
    }
  };
  return { problem, busy, run };
}

function Discard(props: DialogProps) {
  const [reason, setReason] = useState("");
  const { problem, busy, run } = useDoing(props);
  return (
    <Dialog open onClose={props.onClose} title={t("set_aside.discard_title")} text={t("set_aside.discard_text")}>
      <TextField
        label={t("set_aside.reason")}
        help={t("set_aside.reason_help")}
        value={reason}
        maxLength={500}
        onChange={setReason}
      />
      <FormError text={problem} />
      <DialogActions>
        <Button onClick={props.onClose}>{t("cancel")}</Button>
        <Button tone="danger" busy={busy} onClick={() => void run(() => discardSetAside(props.id, reason))}>
          {t("discard")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function Edit({ text: came, ...props }: DialogProps & { text: string }) {
  const [text, setText] = useState(came);
  const { problem, busy, run } = useDoing(props);
  const save = async () => {
    await editSetAside(props.id, text);
    toast({ text: t("set_aside.edited") });
  };
  return (
    <Dialog open wide onClose={props.onClose} title={t("set_aside.edit")} text={t("set_aside.edit_text")}>
      <Field label={t("set_aside.body")}>
        {(ids) => (
          <textarea
            {...ids}
            dir="auto"
            rows={12}
            value={text}
            onChange={(event) => setText(event.target.value)}
            className={`${INPUT} font-mono text-xs`}
          />
        )}
      </Field>
      <FormError text={problem} />
      <DialogActions>
        <Button onClick={props.onClose}>{t("cancel")}</Button>
        <Button tone="primary" busy={busy} disabled={!text.trim()} onClick={() => void run(save)}>
          {t("set_aside.replay")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function Whole({ details }: { details: SetAsideDetails }) {
  const headers = Object.entries(details.headers);
  return (
    <div className="mt-3 flex flex-col gap-2">
      {headers.length > 0 && (
        <>
          <h3 className="text-xs font-semibold text-mute">{t("set_aside.headers")}</h3>
          <pre tabIndex={0} aria-label={t("set_aside.headers")} dir="ltr" className={PRE}>
            {headers.map(([name, value]) => `${name}: ${value}`).join("\n")}
          </pre>
        </>
      )}
      <h3 className="text-xs font-semibold text-mute">{t("set_aside.body")}</h3>
      {details.text === null ? (
        <p className="text-mute">{t("set_aside.binary")}</p>
      ) : (
        <pre tabIndex={0} aria-label={t("set_aside.body")} dir="auto" className={PRE}>
          {details.text}
        </pre>
      )}
      {!details.whole && details.text !== null && <p className="text-xs text-mute">{t("set_aside.cut")}</p>}
    </div>
  );
}

function One({ item, onChanged }: { item: SetAside; onChanged: () => void }) {
  const inbox = useRow("inboxes", item.inbox_id);
  const [open, setOpen] = useState(false);
  const [dialog, setDialog] = useState<"discard" | "edit" | null>(null);
  const whole = useQuery({ queryKey: ["set-aside", item.id], queryFn: () => readSetAside(item.id), enabled: open });
  const replay = async () => {
    try {
      await replaySetAside(item.id);
      onChanged();
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const close = () => setDialog(null);
  return (
    <li className="rounded-2xl border border-line bg-panel p-4">
      <p className="flex flex-wrap items-baseline gap-x-2">
        <bdi className="font-semibold">{inbox?.name ?? t("set_aside.no_inbox")}</bdi>
        <span className="text-xs text-mute">
          {mediumTime(item.received_at)} · {t("set_aside.attempts", { count: item.attempts })}
        </span>
      </p>
      <p className="mt-1 break-words text-bad">{item.error}</p>
      {!open && item.preview && (
        <pre tabIndex={0} aria-label={t("set_aside.body")} dir="auto" className={`${PRE} mt-2 max-h-32`}>
          {item.preview}
        </pre>
      )}
      {open && whole.isPending && <Spinner />}
      {open && whole.isError && <p className="mt-2 text-bad">{sentence(whole.error)}</p>}
      {open && whole.data && <Whole details={whole.data} />}
      <div className="mt-3 flex flex-wrap gap-2">
        <Button small onClick={() => void replay()}>
          {t("set_aside.replay")}
        </Button>
        <Button small aria-expanded={open} onClick={() => setOpen(!open)}>
          {t(open ? "set_aside.hide" : "set_aside.show")}
        </Button>
        {open && whole.data?.whole && (
          <Button small onClick={() => setDialog("edit")}>
            {t("set_aside.edit")}
          </Button>
        )}
        <Button small tone="danger" onClick={() => setDialog("discard")}>
          {t("discard")}
        </Button>
      </div>
      {dialog === "discard" && <Discard id={item.id} onClose={close} onChanged={onChanged} />}
      {dialog === "edit" && whole.data?.text != null && (
        <Edit id={item.id} text={whole.data.text} onClose={close} onChanged={onChanged} />
      )}
    </li>
  );
}

/** What failed in which way: each of them, or all, can be read again at once. */
function Groups({ groups, onChanged }: { groups: readonly SetAsideGroup[]; onChanged: () => void }) {
  const replay = async (which: { channel?: string; reason?: string }) => {
    try {
      const { replayed } = await replayAllSetAside(which);
      toast({ text: t("set_aside.replayed", { count: replayed }) });
      onChanged();
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  return (
    <ul className="mb-4 overflow-hidden rounded-2xl border border-line bg-panel">
      {groups.map(({ channel, reason, count }) => (
        <li
          key={`${channel} ${reason}`}
          className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 last:border-0"
        >
          <span className="font-medium">{channel}</span>
          <span className="min-w-0 flex-1 break-words text-mute">{t("set_aside.group", { reason, count })}</span>
          <Button small onClick={() => void replay({ channel, reason })}>
            {t("set_aside.replay_all")}
          </Button>
        </li>
      ))}
    </ul>
  );
}

/** Deliveries that could not be read. They block nothing, and nothing of them is lost. */
export function SetAsidePage() {
  const found = useInfiniteQuery({
    queryKey: ["set-aside"],
    queryFn: ({ pageParam }) => listSetAside(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const groups = useQuery({ queryKey: ["set-aside-groups"], queryFn: listSetAsideGroups });
  const again = () => {
    void found.refetch();
    void groups.refetch();
  };
  return (
    <Page title={t("settings.set_aside")} text={t("set_aside.text")} narrow>
      <Paged found={found} empty={<Empty icon={Check} title={t("set_aside.none")} text={t("set_aside.none_text")} />}>
        {(items) => (
          <>
            {groups.data && groups.data.length > 0 && <Groups groups={groups.data} onChanged={again} />}
            <ul className="flex flex-col gap-3">
              {items.map((item) => (
                <One key={item.id} item={item} onChanged={again} />
              ))}
            </ul>
          </>
        )}
      </Paged>
    </Page>
  );
}
