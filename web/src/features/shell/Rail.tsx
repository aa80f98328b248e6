import { Link, useRouterState } from "@tanstack/react-router";
import { flipTheme, keysOf } from "@/actions/registry";
import { go } from "@/actions/go";
import { overlay, setTheme, theme, type Theme } from "@/actions/screen";
import { t, type Key } from "@/i18n";
import { capped, classes } from "@/lib/text";
import { useCounts, useMe } from "@/sync/store";
import { signOutEverywhere } from "@/api/workspace";
import { Avatar } from "@/ui/bits";
import { IconButton } from "@/ui/Button";
import {
  AlarmClock,
  CircleHelp,
  Laptop,
  LogOut,
  MessagesSquare,
  Moon,
  Settings,
  Sun,
  UserRound,
  Users,
  type LucideIcon,
} from "@/ui/icons";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from "@/ui/Menu";
import { Tip } from "@/ui/Tooltip";
import { leave } from "./session";

interface Entry {
  to: string;
  under: string;
  title: Key;
  icon: LucideIcon;
  command: string;
}
const ENTRIES: readonly Entry[] = [
  {
    to: "/conversations/all",
    under: "/conversations",
    title: "nav.conversations",
    icon: MessagesSquare,
    command: "go-all",
  },
  { to: "/contacts", under: "/contacts", title: "nav.contacts", icon: Users, command: "go-contacts" },
  { to: "/scheduled", under: "/scheduled", title: "nav.scheduled", icon: AlarmClock, command: "go-scheduled" },
  { to: "/settings/inboxes", under: "/settings", title: "nav.settings", icon: Settings, command: "go-settings" },
];

const useHere = () => {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (entry: Entry) => path.startsWith(entry.under);
};

/** What is unread, for the eye a number, for a screen reader part of the name. */
function useBadge(entry: Entry): number {
  const unread = useCounts()?.unread ?? 0;
  return entry.under === "/conversations" ? unread : 0;
}

const nameOf = (entry: Entry, badge: number) =>
  badge > 0 ? t("nav.with_unread", { name: t(entry.title), count: badge }) : t(entry.title);

function RailLink({ entry, here }: { entry: Entry; here: boolean }) {
  const badge = useBadge(entry);
  const Icon = entry.icon;
  return (
    <Tip text={t(entry.title)} keys={keysOf(entry.command)} side="right">
      <Link
        to={entry.to}
        aria-label={nameOf(entry, badge)}
        aria-current={here ? "page" : undefined}
        className={classes(
          "relative grid size-10 place-items-center rounded-xl transition-colors",
          here ? "bg-sel text-accent" : "text-mute hover:bg-hover hover:text-ink",
        )}
      >
        <Icon size={20} aria-hidden />
        {badge > 0 && (
          <span
            className="absolute -end-0.5 -top-0.5 rounded-full bg-accent px-1 text-[10px] leading-4 font-semibold text-accentink tabular-nums"
            aria-hidden
          >
            {badge > 99 ? "99+" : badge}
          </span>
        )}
      </Link>
    </Tip>
  );
}

export function Rail() {
  const isHere = useHere();
  return (
    <nav
      aria-label={t("nav.main")}
      className="hidden w-15 shrink-0 flex-col items-center gap-1.5 border-e border-line bg-raise py-3 sm:flex"
    >
      <img src="/favicon.svg" alt="" className="mb-2 size-8 rounded-lg" />
      {ENTRIES.map((entry) => (
        <RailLink key={entry.to} entry={entry} here={isHere(entry)} />
      ))}
      <div className="mt-auto flex flex-col items-center gap-1">
        <IconButton label={t("cmd.theme")} icon={Moon} className="dark:hidden" side="right" onClick={flipTheme} />
        <IconButton label={t("cmd.theme")} icon={Sun} className="hidden dark:grid" side="right" onClick={flipTheme} />
        <IconButton label={t("cmd.help")} keys="?" icon={CircleHelp} side="right" onClick={() => overlay.set("help")} />
        <MeMenu
          trigger={
            <button type="button" className="mt-1 rounded-full">
              <MyAvatar />
              <span className="sr-only">{t("nav.me")}</span>
            </button>
          }
        />
      </div>
    </nav>
  );
}

const MyAvatar = () => <Avatar name={useMe().user.name} size={32} />;

const THEMES: readonly [Theme, Key, LucideIcon][] = [
  ["system", "theme.system", Laptop],
  ["light", "theme.light", Sun],
  ["dark", "theme.dark", Moon],
];

function MeMenu({ trigger }: { trigger: React.ReactNode }) {
  const me = useMe();
  const chosen = theme.use();
  return (
    <Menu trigger={trigger} side="right" align="end">
      <div className="px-2.5 pt-1.5 pb-2">
        <p className="font-semibold" dir="auto">
          {me.user.name}
        </p>
        <p className="text-xs text-mute">
          {me.user.email} · {me.workspace.name}
        </p>
      </div>
      <MenuLine />
      <MenuItem icon={UserRound} onSelect={() => go({ to: "/settings/$page", params: { page: "profile" } })}>
        {t("settings.profile")}
      </MenuItem>
      <MenuLabel>{t("settings.appearance")}</MenuLabel>
      {THEMES.map(([name, title]) => (
        <MenuChoice key={name} checked={chosen === name} onSelect={() => setTheme(name)}>
          {t(title)}
        </MenuChoice>
      ))}
      <MenuLine />
      <MenuItem icon={LogOut} onSelect={() => void leave()}>
        {t("sign_out")}
      </MenuItem>
      <MenuItem icon={LogOut} onSelect={() => void leave(signOutEverywhere)}>
        {t("sign_out.everywhere")}
      </MenuItem>
    </Menu>
  );
}

function BarLink({ entry, here }: { entry: Entry; here: boolean }) {
  const badge = useBadge(entry);
  const Icon = entry.icon;
  return (
    <Link
      to={entry.to}
      aria-current={here ? "page" : undefined}
      className={classes(
        "relative flex min-w-0 flex-auto basis-14 flex-col items-center gap-0.5 px-0.5 pt-2 pb-1.5 text-2xs font-medium",
        here ? "text-accent" : "text-mute",
      )}
    >
      <span className="relative">
        <Icon size={21} aria-hidden />
        {badge > 0 && (
          <span className="absolute -end-3 -top-1.5 rounded-full bg-accent px-1 text-[10px] leading-4 font-semibold text-accentink tabular-nums">
            {capped(badge)}
            <span className="sr-only"> {t("tab.unread")}</span>
          </span>
        )}
      </span>
      <span className="text-[10px] whitespace-nowrap">{t(entry.title)}</span>
    </Link>
  );
}

/** The same places on a phone, within reach of the thumb. */
export function BottomBar() {
  const isHere = useHere();
  return (
    <nav
      aria-label={t("nav.main")}
      className="flex shrink-0 border-t border-line bg-panel pb-[env(safe-area-inset-bottom)] sm:hidden"
    >
      {ENTRIES.map((entry) => (
        <BarLink key={entry.to} entry={entry} here={isHere(entry)} />
      ))}
      <MeMenu
        trigger={
          <button
            type="button"
            className="flex min-w-0 flex-auto basis-14 flex-col items-center gap-0.5 pt-2 pb-1.5 text-2xs font-medium text-mute"
          >
            <UserRound size={21} aria-hidden />
            <span className="text-[10px]">{t("nav.me_short")}</span>
          </button>
        }
      />
    </nav>
  );
}
