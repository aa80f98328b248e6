import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef, type ComponentType } from "react";
import { t, type Key } from "@/i18n";
import { classes } from "@/lib/text";
import { usePhone } from "@/lib/useMedia";
import { useMe } from "@/sync/store";
import {
  Activity,
  Bookmark,
  Inbox,
  KeyRound,
  Laptop,
  ScrollText,
  Settings,
  ShieldAlert,
  Tag,
  UserRound,
  Users,
  UsersRound,
  type LucideIcon,
} from "@/ui/icons";
import { Appearance } from "./Appearance";
import { Audit } from "./Audit";
import { HealthPage } from "./HealthPage";
import { Inboxes } from "./Inboxes";
import { LabelsPage, TagsPage } from "./Coloured";
import { Profile } from "./Profile";
import { SetAsidePage } from "./SetAsidePage";
import { Teams } from "./Teams";
import { Tokens } from "./Tokens";
import { Teammates } from "./Teammates";
import { WorkspacePage } from "./WorkspacePage";

interface Entry {
  page: string;
  title: Key;
  icon: LucideIcon;
  body: ComponentType;
  /** What one must be allowed to, for the page to be of any use. */
  needs: string | null;
}

const GROUPS: readonly { title: Key; entries: readonly Entry[] }[] = [
  {
    title: "settings.workspace_group",
    entries: [
      { page: "inboxes", title: "settings.inboxes", icon: Inbox, body: Inboxes, needs: "inboxes:read" },
      { page: "labels", title: "settings.labels", icon: Bookmark, body: LabelsPage, needs: null },
      { page: "tags", title: "settings.tags", icon: Tag, body: TagsPage, needs: null },
      { page: "teammates", title: "settings.teammates", icon: Users, body: Teammates, needs: "people:read" },
      { page: "teams", title: "settings.teams", icon: UsersRound, body: Teams, needs: "people:read" },
      { page: "workspace", title: "settings.workspace", icon: Settings, body: WorkspacePage, needs: "workspace:write" },
      { page: "tokens", title: "settings.tokens", icon: KeyRound, body: Tokens, needs: null },
      {
        page: "set-aside",
        title: "settings.set_aside",
        icon: ShieldAlert,
        body: SetAsidePage,
        needs: "set_aside:write",
      },
      { page: "health", title: "settings.health", icon: Activity, body: HealthPage, needs: "workspace:write" },
      { page: "audit", title: "settings.audit", icon: ScrollText, body: Audit, needs: "audit:read" },
    ],
  },
  {
    title: "settings.personal_group",
    entries: [
      { page: "profile", title: "settings.profile", icon: UserRound, body: Profile, needs: null },
      { page: "appearance", title: "settings.appearance", icon: Laptop, body: Appearance, needs: null },
    ],
  },
];

const route = getRouteApi("/app/settings/$page");

export function SettingsPage() {
  const { page } = route.useParams();
  const phone = usePhone();
  const { permissions } = useMe();
  const groups = GROUPS.map((group) => ({
    ...group,
    entries: group.entries.filter((entry) => entry.needs === null || permissions.includes(entry.needs)),
  }));
  const all = groups.flatMap((group) => group.entries);
  const here = all.find((entry) => entry.page === page) ?? all[0];
  const Body = here?.body ?? Profile;
  const current = useRef<HTMLAnchorElement>(null);
  // On a phone the pages stand in one line that is wider than the screen.
  useEffect(() => current.current?.scrollIntoView({ inline: "center", block: "nearest" }), [page, phone]);
  return (
    <>
      <nav
        aria-label={t("nav.settings")}
        className={classes(
          phone
            ? "absolute inset-x-0 top-0 z-10 flex gap-1 overflow-x-auto border-b border-line bg-panel p-2"
            : "w-56 shrink-0 overflow-y-auto border-e border-line bg-panel p-3",
        )}
      >
        {groups.map((group) => (
          <div key={group.title} className={phone ? "contents" : "mb-4"}>
            <h2 className={phone ? "sr-only" : "px-2.5 pb-1 text-2xs font-semibold text-mute"}>{t(group.title)}</h2>
            {group.entries.map((entry) => (
              <Link
                key={entry.page}
                to="/settings/$page"
                params={{ page: entry.page }}
                ref={entry === here ? current : undefined}
                aria-current={entry === here ? "page" : undefined}
                className={classes(
                  "flex shrink-0 items-center gap-2.5 rounded-lg px-2.5 py-1.5 whitespace-nowrap",
                  entry === here ? "bg-sel font-semibold text-accent" : "text-mute hover:bg-hover hover:text-ink",
                )}
              >
                <entry.icon size={16} aria-hidden />
                {t(entry.title)}
              </Link>
            ))}
          </div>
        ))}
      </nav>
      <div className={classes("flex min-w-0 flex-1", phone && "pt-12")}>
        <Body />
      </div>
    </>
  );
}
