import { DropdownMenu } from "radix-ui";
import type { Route } from "@/api/types";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { useNow } from "@/lib/ticker";
import { countdown } from "@/lib/time";
import { ChannelIcon, useLook } from "@/ui/Channel";
import { Check, ChevronDown, Clock } from "@/ui/icons";
import { MENU } from "@/ui/Menu";
import { Keys } from "@/ui/Menu";
import { routeKey } from "./routes";

const SOON_MS = 2 * 3_600_000;

/** How long one may still write freely. The moment comes from the server. */
function Window({ until }: { until: string }) {
  const left = Date.parse(until) - useNow();
  if (left <= 0) return null;
  return (
    <span
      className={classes(
        "flex items-center gap-1 text-2xs tabular-nums",
        left < SOON_MS ? "font-semibold text-warn" : "text-mute",
      )}
      title={t("window.title")}
    >
      <Clock size={11} aria-hidden />
      {t("window.left", { time: countdown(left) })}
    </span>
  );
}

function Line({ route }: { route: Route }) {
  const look = useLook(route.channel);
  return (
    <span className="flex min-w-0 flex-1 items-start gap-2.5">
      <span className="mt-0.5">
        <ChannelIcon name={route.channel} size={16} own />
      </span>
      <span className="min-w-0">
        <span className="block truncate font-medium">
          {look.title} · <bdi>{route.point.display}</bdi>
        </span>
        <span className="block truncate text-xs text-mute">
          {t("route.from", { name: route.inbox_name, from: route.from ?? "" })}
        </span>
        {route.why_not && <span className="block text-xs text-bad">{route.why_not.sentence}</span>}
        {route.window_expires_at && <Window until={route.window_expires_at} />}
      </span>
    </span>
  );
}

interface SwitcherProps {
  routes: readonly Route[];
  route: Route | undefined;
  onChoose: (route: Route) => void;
}

export function RouteSwitcher({ routes, route, onChoose }: SwitcherProps) {
  const look = useLook(route?.channel);
  if (!route) return null;
  return (
    <>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger className="flex h-7 min-w-0 items-center gap-1.5 rounded-lg border border-line px-2 text-xs hover:bg-hover">
          <ChannelIcon name={route.channel} size={13} own />
          <span className="sr-only">{t("route.switch")}</span>
          <span className="shrink-0 font-medium">{look.title}</span>
          <bdi className="truncate text-mute max-sm:hidden">{route.from ?? route.inbox_name}</bdi>
          <ChevronDown size={13} className="shrink-0 text-mute" aria-hidden />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content
            side="top"
            align="start"
            sideOffset={6}
            collisionPadding={8}
            className={classes(MENU, "w-88")}
          >
            {routes.map((one, index) => (
              <DropdownMenu.Item
                key={routeKey(one)}
                onSelect={() => onChoose(one)}
                className="flex cursor-pointer items-start gap-2 rounded-lg px-2.5 py-2 text-sm outline-none data-highlighted:bg-hover"
              >
                <Line route={one} />
                {routeKey(one) === routeKey(route) ? (
                  <Check size={15} className="mt-0.5 shrink-0 text-accent" aria-label={t("chosen")} />
                ) : (
                  index < 9 && <Keys keys={`Alt+${index + 1}`} />
                )}
              </DropdownMenu.Item>
            ))}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {route.window_expires_at && <Window until={route.window_expires_at} />}
    </>
  );
}
