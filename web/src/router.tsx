import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { connectRouter, type ListSearch } from "./actions/go";
import type { View } from "./api/types";
import type { Arrival } from "./features/shell/session";
import { Frame } from "./features/shell/Frame";
import { NotFound } from "./features/shell/NotFound";
import { store } from "./sync/store";
import { Spinner } from "./ui/bits";

interface Context {
  queries: QueryClient;
  arrival: Arrival;
}

const VIEWS: readonly View[] = ["unread", "mine", "unassigned", "starred", "all", "snoozed", "closed"];
const asView = (text: string): View => VIEWS.find((view) => view === text) ?? "all";
const number = (value: unknown): number | undefined =>
  Number.isInteger(Number(value)) && Number(value) > 0 ? Number(value) : undefined;
const text = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" ? String(value) || undefined : undefined;

const root = createRootRouteWithContext<Context>()({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: lazyRouteComponent(() => import("./features/start/SignIn"), "SignIn"),
});
const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazyRouteComponent(() => import("./features/start/Setup"), "Setup"),
});

const app = createRoute({
  getParentRoute: () => root,
  id: "app",
  component: Frame,
  beforeLoad: ({ context }) => {
    if (store.state.me) return;
    throw redirect({ to: context.arrival === "setup" ? "/setup" : "/sign-in" });
  },
});
const home = createRoute({
  getParentRoute: () => app,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/conversations/$view", params: { view: "all" }, search: {} });
  },
});
const conversations = createRoute({
  getParentRoute: () => app,
  path: "/conversations/$view",
  params: { parse: (raw) => ({ view: asView(raw.view) }), stringify: (params) => params },
  validateSearch: (raw: Record<string, unknown>): ListSearch => ({
    c: number(raw["c"]),
    m: number(raw["m"]),
    channel: text(raw["channel"]),
    inbox: number(raw["inbox"]),
    assignee: number(raw["assignee"]),
    label: number(raw["label"]),
    q: text(raw["q"]),
    pane: raw["pane"] === "contact" ? "contact" : undefined,
  }),
  component: lazyRouteComponent(() => import("./features/conversations/Screen"), "Screen"),
});
const contacts = createRoute({
  getParentRoute: () => app,
  path: "/contacts",
  validateSearch: (raw: Record<string, unknown>): { q?: string } => ({ q: text(raw["q"]) }),
  component: lazyRouteComponent(() => import("./features/contacts/ContactsPage"), "ContactsPage"),
});
const contact = createRoute({
  getParentRoute: () => app,
  path: "/contacts/$id",
  component: lazyRouteComponent(() => import("./features/contacts/ContactPage"), "ContactPage"),
});
const scheduled = createRoute({
  getParentRoute: () => app,
  path: "/scheduled",
  component: lazyRouteComponent(() => import("./features/scheduled/ScheduledPage"), "ScheduledPage"),
});
const settings = createRoute({
  getParentRoute: () => app,
  path: "/settings/$page",
  component: lazyRouteComponent(() => import("./features/settings/SettingsPage"), "SettingsPage"),
});

const anySettings = createRoute({
  getParentRoute: () => app,
  path: "/settings",
  beforeLoad: () => {
    throw redirect({ to: "/settings/$page", params: { page: "inboxes" } });
  },
});

const tree = root.addChildren([
  signIn,
  setup,
  app.addChildren([home, conversations, contacts, contact, scheduled, anySettings, settings]),
]);

export function makeRouter(queries: QueryClient, arrival: Arrival) {
  const router = createRouter({
    routeTree: tree,
    context: { queries, arrival },
    defaultPreload: "intent",
    defaultPendingComponent: Spinner,
    defaultNotFoundComponent: NotFound,
  });
  connectRouter(
    (place, replace) => void router.navigate({ ...place, replace } as Parameters<typeof router.navigate>[0]),
    () => {
      const match = router.state.matches.find((one) => one.routeId === "/app/conversations/$view");
      return match
        ? { view: (match.params as { view: View }).view, search: match.search as ListSearch, onConversations: true }
        : { view: "all", search: {}, onConversations: false };
    },
  );
  return router;
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
