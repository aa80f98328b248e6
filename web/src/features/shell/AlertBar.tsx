import { useQuery } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import { readHealth } from "@/api/workspace";
import { t } from "@/i18n";
import { useMe } from "@/sync/store";
import { CircleAlert } from "@/ui/icons";

const EVERY_MS = 60_000;

/** One line above everything, for those who can do something about it, while something is wrong. */
export function AlertBar() {
  const may = useMe().permissions.includes("workspace:write");
  const { data } = useQuery({ queryKey: ["health"], queryFn: readHealth, enabled: may, refetchInterval: EVERY_MS });
  const here = useRouterState({ select: (state) => state.location.pathname.startsWith("/settings/health") });
  const urgent = data?.alerts.filter((alert) => alert.severity === "page") ?? [];
  const [first] = urgent;
  return (
    <div role="status">
      {first && !here && (
        <p className="flex items-center gap-2 border-b border-line bg-bad-soft px-3 py-1.5 text-xs text-bad">
          <CircleAlert size={14} className="shrink-0" aria-hidden />
          <span className="min-w-0 flex-1 truncate">
            {first.sentence}
            {urgent.length > 1 && ` ${t("health.more", { count: urgent.length - 1 })}`}
          </span>
          <Link
            to="/settings/$page"
            params={{ page: "health" }}
            className="shrink-0 font-semibold underline underline-offset-2"
          >
            {t("health.look")}
          </Link>
        </p>
      )}
    </div>
  );
}
