import { useState, type FormEvent } from "react";
import { addPoint, removePoint, setConsent } from "@/api/contacts";
import type { Contact, Point } from "@/api/types";
import { maybe, t } from "@/i18n";
import { longDate } from "@/lib/time";
import { classes } from "@/lib/text";
import { Button, IconButton } from "@/ui/Button";
import { ChannelIcon, useChannels } from "@/ui/Channel";
import { confirm } from "@/ui/Confirm";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { INPUT, SelectField, Switch, TextField } from "@/ui/Field";
import { BellOff, Copy, Ellipsis, Plus, Trash } from "@/ui/icons";
import { Menu, MenuItem } from "@/ui/Menu";
import { toast } from "@/ui/toasts";
import { Section } from "./ContactPanel";
import { changing } from "./useContact";

export const kindName = (kind: string): string => maybe(`kind.${kind}`, kind.replaceAll("_", " "));

/** The channel that writes to points of this kind, for its icon. */
export function useChannelOf(kind: string): string | undefined {
  return useChannels().find((channel) => channel.can.address_kinds.includes(kind))?.name;
}

async function copy(point: Point): Promise<void> {
  await navigator.clipboard.writeText(point.value);
  toast({ text: t("copied") });
}

function Consent({ contact, point, onClose }: { contact: Contact; point: Point; onClose: () => void }) {
  const [out, setOut] = useState(point.opt_out !== null);
  const [reason, setReason] = useState(point.opt_out?.reason ?? "");
  const save = async () => {
    const opt_out = out ? { at: new Date().toISOString(), reason, source: "user" } : null;
    const points = contact.points.map((one) => (one.id === point.id ? { ...one, opt_out } : one));
    if (await changing(contact, { points }, () => setConsent(contact.id, point.id, out, reason))) onClose();
  };
  return (
    <Dialog open onClose={onClose} title={t("consent.title")} text={point.display}>
      <div className="flex flex-col gap-4">
        <Switch label={t("consent.out")} help={t("consent.help")} checked={out} onChange={setOut} />
        <TextField
          label={t("consent.reason")}
          value={reason}
          onChange={setReason}
          placeholder={t("consent.placeholder")}
        />
      </div>
      <DialogActions>
        <Button onClick={onClose}>{t("cancel")}</Button>
        <Button tone="primary" onClick={() => void save()}>
          {t("save")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function One({ contact, point }: { contact: Contact; point: Point }) {
  const [asking, setAsking] = useState(false);
  const channel = useChannelOf(point.kind);
  const drop = async () => {
    const yes = await confirm({
      title: t("point.remove_title"),
      text: t("point.remove_text", { point: point.display, name: contact.name }),
      action: t("remove"),
    });
    if (yes)
      await changing(contact, { points: contact.points.filter((one) => one.id !== point.id) }, () =>
        removePoint(contact.id, point.id),
      );
  };
  return (
    <li className="group flex items-start gap-2.5 py-1">
      <span className="mt-0.5 grid size-5 place-items-center">
        <ChannelIcon name={channel} size={15} own />
      </span>
      <div className="min-w-0 flex-1">
        <bdi className={classes("block break-all", point.opt_out && "text-mute line-through")}>{point.display}</bdi>
        <span className="flex flex-wrap gap-x-1.5 text-2xs text-mute">
          {kindName(point.kind)}
          {point.verified && <span>· {t("point.verified")}</span>}
          {point.claimed && <span>· {t("point.claimed")}</span>}
          {point.primary && contact.points.length > 1 && <span>· {t("point.primary")}</span>}
        </span>
        {point.opt_out && (
          <span className="flex items-center gap-1 text-2xs text-bad">
            <BellOff size={11} aria-hidden />
            {t("point.out", { date: longDate(point.opt_out.at) })}
            {point.opt_out.reason && <span dir="auto">· {point.opt_out.reason}</span>}
          </span>
        )}
      </div>
      <Menu
        align="end"
        trigger={<IconButton label={t("point.more", { point: point.display })} icon={Ellipsis} dense />}
      >
        <MenuItem icon={Copy} onSelect={() => void copy(point)}>
          {t("copy")}
        </MenuItem>
        <MenuItem icon={BellOff} onSelect={() => setAsking(true)}>
          {t("consent.title")}
        </MenuItem>
        <MenuItem icon={Trash} danger onSelect={() => void drop()}>
          {t("remove")}
        </MenuItem>
      </Menu>
      {asking && <Consent contact={contact} point={point} onClose={() => setAsking(false)} />}
    </li>
  );
}

/** Kinds of address that a person can type in, over all channels. */
export function useKinds(): string[] {
  const channels = useChannels();
  return [
    ...new Set(channels.filter((channel) => channel.can.may_start).flatMap((channel) => channel.can.address_kinds)),
  ];
}

function Add({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const kinds = useKinds();
  const [kind, setKind] = useState("");
  const [value, setValue] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (
      await changing(contact, {}, () => addPoint(contact.id, { kind: kind || (kinds[0] ?? ""), value: value.trim() }))
    )
      onClose();
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="mt-2 flex flex-col gap-2 rounded-xl bg-raise p-2.5">
      <SelectField
        hideLabel
        label={t("point.kind")}
        value={kind || (kinds[0] ?? "")}
        options={kinds.map((name) => [name, kindName(name)] as const)}
        onChange={setKind}
      />
      <input
        autoFocus
        required
        aria-label={t("point.value")}
        placeholder={t("point.value")}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        className={`${INPUT} h-9`}
      />
      <div className="flex justify-end gap-2">
        <Button small onClick={onClose}>
          {t("cancel")}
        </Button>
        <Button small tone="primary" type="submit">
          {t("add")}
        </Button>
      </div>
    </form>
  );
}

export function Points({ contact }: { contact: Contact }) {
  const [adding, setAdding] = useState(false);
  return (
    <Section
      title={t("panel.points")}
      action={<IconButton label={t("point.add")} icon={Plus} dense onClick={() => setAdding(true)} />}
    >
      <ul>
        {contact.points.map((point) => (
          <One key={point.id} contact={contact} point={point} />
        ))}
      </ul>
      {contact.points.length === 0 && !adding && <p className="text-xs text-mute">{t("point.none")}</p>}
      {adding && <Add contact={contact} onClose={() => setAdding(false)} />}
    </Section>
  );
}
