import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { readRoutes } from "@/api/conversations";
import type { Id, Route } from "@/api/types";

const NONE: readonly Route[] = [];
export const routeKey = (route: Route): string => `${route.inbox_id}:${route.point.id}`;

const chosen = new Map<Id, string>();

/** The ways to this contact, and the one to use: what the person chose, else what the server proposes. */
export function useRoutes(conversation: Id): {
  routes: readonly Route[];
  route: Route | undefined;
  choose: (route: Route) => void;
  loaded: boolean;
} {
  const query = useQuery({ queryKey: ["routes", conversation], queryFn: () => readRoutes(conversation) });
  const [key, setKey] = useState(() => chosen.get(conversation));
  const routes = query.data ?? NONE;
  const route = useMemo(
    () =>
      routes.find((one) => routeKey(one) === key) ??
      routes.find((one) => one.default) ??
      routes.find((one) => one.why_not === null) ??
      routes[0],
    [routes, key],
  );
  const choose = (next: Route) => {
    chosen.set(conversation, routeKey(next));
    setKey(routeKey(next));
  };
  return { routes, route, choose, loaded: query.isSuccess };
}
