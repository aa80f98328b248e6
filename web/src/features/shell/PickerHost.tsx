// The pickers for assigning, labelling and snoozing, wherever they were asked for: row, header, bulk bar or key.
import { Popover } from "radix-ui";
import { useMemo, useRef, type ReactNode } from "react";
import * as verbs from "@/actions/conversations";
import { picker, type OpenPicker } from "@/actions/screen";
import { createColoured } from "@/api/workspace";
import { sentence } from "@/api/http";
import { t } from "@/i18n";
import { mediumTime, ownZone, presets, wallClock, zonedTime } from "@/lib/time";
import { store, useMay, useMe, useRow, useRows } from "@/sync/store";
import { Avatar } from "@/ui/bits";
import { UserRound, UsersRound } from "@/ui/icons";
import { Picker } from "@/ui/Picker";
import { toast } from "@/ui/toasts";

const close = () => picker.set(null);

function Assign({ open }: { open: OpenPicker }) {
  const me = useMe();
  const users = useRows("users");
  const teams = useRows("teams");
  const row = useRow("conversations", open.ids.length === 1 ? open.ids[0] : null);
  const options = useMemo(() => {
    const active = users.filter((user) => user.active);
    const people = [
      ...active.filter((user) => user.id === me.user.id),
      ...active.filter((user) => user.id !== me.user.id),
    ];
    return [
      {
        id: "none",
        text: t("assign.nobody"),
        icon: <UserRound size={20} className="text-mute" aria-hidden />,
        checked: row?.assignee_id === null,
      },
      ...people.map((user) => ({
        id: `user:${user.id}`,
        text: user.name,
        icon: <Avatar name={user.name} size={20} />,
        checked: row?.assignee_id === user.id,
        ...(user.id === me.user.id && { hint: t("you") }),
      })),
      ...teams.map((team) => ({
        id: `team:${team.id}`,
        text: team.name,
        icon: <UsersRound size={18} className="text-mute" aria-hidden />,
        hint: t("team"),
        checked: row?.team_id === team.id,
      })),
    ];
  }, [users, teams, me, row]);
  const pick = (id: string) => {
    const [kind, number] = id.split(":");
    if (kind === "team") verbs.assignTeam(open.ids, row?.team_id === Number(number) ? null : Number(number));
    else verbs.assign(open.ids, kind === "none" ? null : Number(number));
    close();
  };
  return <Picker label={t("assign.to")} options={options} onPick={pick} />;
}

/** Colours for labels and tags that are made in passing; all of them readable as a square on both themes. */
const COLOURS = ["#2563eb", "#0d9488", "#b45309", "#dc2626", "#9333ea", "#4d7c0f"];

function Labels({ open }: { open: OpenPicker }) {
  const labels = useRows("labels");
  const rows = useRows("conversations");
  const options = useMemo(() => {
    const targets = rows.filter((row) => open.ids.includes(row.id));
    return labels.map((label) => ({
      id: String(label.id),
      text: label.name,
      icon: <i aria-hidden className="size-3 rounded-[3px]" style={{ background: label.colour }} />,
      checked: targets.length > 0 && targets.every((row) => row.labels.includes(label.id)),
    }));
  }, [labels, rows, open.ids]);
  const pick = (id: string) =>
    void verbs.setLabel(open.ids, Number(id), !options.find((option) => option.id === id)?.checked);
  const create = async (name: string) => {
    try {
      const label = await createColoured("labels", { name, colour: COLOURS[labels.length % COLOURS.length] as string });
      store.put("labels", label);
      await verbs.setLabel(open.ids, label.id, true);
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const mayCreate = useMay("labels:write");
  return (
    <Picker
      label={t("label.pick")}
      options={options}
      onPick={pick}
      onCreate={mayCreate ? (name) => void create(name) : undefined}
    />
  );
}

function Snooze({ open }: { open: OpenPicker }) {
  const zone = ownZone();
  const when = useMemo(() => presets(zone), [zone]);
  const snooze = (at: Date) => {
    verbs.snooze(open.ids, at);
    close();
  };
  const footer = (
    <form
      className="mt-1 flex items-center gap-1.5 border-t border-line p-1.5 pt-2"
      onSubmit={(event) => {
        event.preventDefault();
        const wall = String(new FormData(event.currentTarget).get("at"));
        if (wall) snooze(zonedTime(wall, zone));
      }}
    >
      <input
        name="at"
        type="datetime-local"
        required
        aria-label={t("snooze.own")}
        min={wallClock(new Date(), zone)}
        className="h-8 min-w-0 flex-1 rounded-lg bg-raise px-2 text-xs"
      />
      <button type="submit" className="h-8 rounded-lg bg-accent px-2.5 text-xs font-semibold text-accentink">
        {t("snooze.do")}
      </button>
    </form>
  );
  return (
    <Picker
      label={t("snooze.until")}
      options={when.map((preset) => ({ id: preset.id, text: t(`preset.${preset.id}`), hint: mediumTime(preset.at) }))}
      onPick={(id) => snooze((when.find((preset) => preset.id === id) ?? when[0])?.at ?? new Date())}
      footer={footer}
    />
  );
}

const BODIES: Record<OpenPicker["kind"], (props: { open: OpenPicker }) => ReactNode> = {
  assign: Assign,
  label: Labels,
  snooze: Snooze,
};

export function PickerHost() {
  const open = picker.use();
  const anchor = useRef<Element | null>(null);
  anchor.current = open?.anchor ?? null;
  if (!open) return null;
  const Body = BODIES[open.kind];
  const measurable = {
    current: {
      getBoundingClientRect: () =>
        anchor.current?.getBoundingClientRect() ?? new DOMRect(innerWidth / 2, innerHeight / 4, 0, 0),
    },
  };
  return (
    <Popover.Root open onOpenChange={(next) => !next && close()}>
      <Popover.Anchor virtualRef={measurable} />
      <Popover.Portal>
        <Popover.Content
          aria-label={t(`picker.${open.kind}`)}
          sideOffset={6}
          collisionPadding={8}
          align="start"
          className="pop z-50 rounded-xl border border-line bg-panel p-1 shadow-pop outline-none"
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (anchor.current instanceof HTMLElement) anchor.current.focus();
          }}
        >
          <Body open={open} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
