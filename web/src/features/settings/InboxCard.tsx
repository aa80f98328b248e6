import { useState, type FormEvent } from "react";
import { sentence } from "@/api/http";
import type { HealthState, Inbox } from "@/api/types";
import { changeInbox, deleteInbox, sendTestMessage, testInbox } from "@/api/workspace";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { mediumTime } from "@/lib/time";
import { store } from "@/sync/store";
import { Button, IconButton } from "@/ui/Button";
import { ChannelBadge, useChannel } from "@/ui/Channel";
import { confirm } from "@/ui/Confirm";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, FormError, INPUT, Switch, TextField } from "@/ui/Field";
import { Ellipsis, Pencil, Send, Trash } from "@/ui/icons";
import { Menu, MenuItem } from "@/ui/Menu";
import { toast } from "@/ui/toasts";
import { CopyLine } from "@/ui/CopyLine";
import { InboxForm } from "./InboxForm";
import { InstallSnippet, useOnSite } from "./InstallSnippet";
import { useSaving } from "./useSaving";

const TONES: Record<HealthState, string> = {
  ok: "bg-good-soft text-good",
  waiting: "bg-warn-soft text-warn",
  attention: "bg-bad-soft text-bad",
  off: "bg-raise text-mute",
};

const Health = ({ inbox }: { inbox: Inbox }) => {
  const state = inbox.enabled ? inbox.health.state : "off";
  return (
    <span className={classes("rounded-full px-2.5 py-0.5 text-xs font-semibold whitespace-nowrap", TONES[state])}>
      {t(`health.${state}`)}
    </span>
  );
};

function TestMessage({ inbox, onClose }: { inbox: Inbox; onClose: () => void }) {
  const [to, setTo] = useState("");
  const [text, setText] = useState(t("test.text"));
  const saving = useSaving();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await saving.run(() => sendTestMessage(inbox.id, to.trim(), text)))) return;
    toast({ text: t("test.sent", { to }) });
    onClose();
  };
  return (
    <Dialog open onClose={onClose} title={t("test.title", { name: inbox.name })}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={saving.error} />
        <TextField label={t("test.to")} required autoFocus value={to} onChange={setTo} />
        <Field label={t("message.text")}>
          {(ids) => (
            <textarea
              {...ids}
              rows={3}
              value={text}
              onChange={(event) => setText(event.target.value)}
              className={INPUT}
            />
          )}
        </Field>
        <DialogActions>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button tone="primary" type="submit" busy={saving.busy}>
            {t("send")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

/** Proves that the settings work, and says what the other side answered. */
function TestConnection({ inbox }: { inbox: Inbox }) {
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<{ ok: boolean; message: string } | null>(null);
  const test = async () => {
    setBusy(true);
    setAnswer(null);
    const result = await testInbox(inbox.id).catch((error: unknown) => ({ ok: false, message: sentence(error) }));
    setAnswer(result);
    setBusy(false);
  };
  return (
    <>
      <Button small busy={busy} onClick={() => void test()}>
        {t("inbox.test")}
      </Button>
      <p role="status" className={classes("order-last w-full text-xs", answer?.ok ? "text-good" : "text-bad")}>
        {answer?.message}
      </p>
    </>
  );
}

export function InboxCard({ inbox, admin }: { inbox: Inbox; admin: boolean }) {
  const channel = useChannel(inbox.channel);
  const onSite = useOnSite(inbox.channel);
  const [dialog, setDialog] = useState<"edit" | "message" | null>(null);
  const close = () => setDialog(null);
  const enable = async (enabled: boolean) => {
    try {
      store.put("inboxes", await changeInbox(inbox.id, { enabled }));
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const remove = async () => {
    if (
      !(await confirm({
        title: t("inbox.delete_title", { name: inbox.name }),
        text: t("inbox.delete_text"),
        action: t("delete"),
      }))
    )
      return;
    try {
      await deleteInbox(inbox.id);
      store.remove("inboxes", inbox.id);
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const { note, last_inbound_at: inbound, last_outbound_at: outbound } = inbox.health;
  return (
    <li className="rounded-2xl border border-line bg-panel p-4 sm:p-5">
      <div className="flex items-start gap-3">
        <ChannelBadge name={inbox.channel} size={40} />
        <div className="min-w-0 flex-1">
          <h2 className="truncate text-base font-semibold">
            <bdi>{inbox.name}</bdi>
          </h2>
          <p className="truncate text-mute">
            {channel?.title}
            {inbox.address && (
              <>
                {" · "}
                <bdi>{inbox.address}</bdi>
              </>
            )}
          </p>
        </div>
        <Health inbox={inbox} />
        {admin && (
          <Menu align="end" trigger={<IconButton label={t("inbox.more", { name: inbox.name })} icon={Ellipsis} />}>
            <MenuItem icon={Pencil} onSelect={() => setDialog("edit")}>
              {t("edit")}
            </MenuItem>
            <MenuItem icon={Trash} danger onSelect={() => void remove()}>
              {t("delete")}
            </MenuItem>
          </Menu>
        )}
      </div>
      {note && inbox.enabled && inbox.health.state !== "ok" && (
        <p className={classes("mt-3 rounded-lg px-3 py-2", TONES[inbox.health.state])}>{note}</p>
      )}
      <dl className="mt-3 flex flex-wrap gap-x-6 gap-y-1 text-xs text-mute">
        <div className="flex gap-1.5">
          <dt>{t("inbox.last_in")}</dt>
          <dd className="text-ink">{inbound ? mediumTime(inbound) : t("never")}</dd>
        </div>
        <div className="flex gap-1.5">
          <dt>{t("inbox.last_out")}</dt>
          <dd className="text-ink">{outbound ? mediumTime(outbound) : t("never")}</dd>
        </div>
      </dl>
      {admin && (
        <>
          <details className="mt-3">
            <summary className="w-fit cursor-pointer rounded text-xs font-medium text-mute hover:text-ink">
              {t("inbox.details")}
            </summary>
            <div className="mt-2 flex flex-col gap-3">
              {!onSite && (
                <div>
                  <p className="mb-1 text-xs text-mute">{t("inbox.hook_help")}</p>
                  <CopyLine label={t("inbox.hook")} text={inbox.hook_url} />
                </div>
              )}
              <InstallSnippet inbox={inbox} />
            </div>
          </details>
          <div className="mt-4 flex flex-wrap items-center gap-2 border-t border-line pt-4">
            <TestConnection inbox={inbox} />
            {channel?.can.may_start && (
              <Button small icon={Send} onClick={() => setDialog("message")}>
                {t("inbox.test_message")}
              </Button>
            )}
            <Button small icon={Pencil} onClick={() => setDialog("edit")}>
              {t("edit")}
            </Button>
            <span className="ms-auto">
              <Switch label={t("inbox.enabled")} checked={inbox.enabled} onChange={(on) => void enable(on)} />
            </span>
          </div>
        </>
      )}
      {dialog === "message" && <TestMessage inbox={inbox} onClose={close} />}
      {dialog === "edit" && channel && (
        <Dialog open onClose={close} title={t("inbox.edit", { name: inbox.name })}>
          <InboxForm channel={channel} inbox={inbox} onCancel={close} onSaved={close} />
        </Dialog>
      )}
    </li>
  );
}
