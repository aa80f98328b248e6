// Where the person is and where they can go. The router hands itself in, so that commands need not know the routes' code.
import type { Filter } from "@/api/conversations";
import type { Id, View } from "@/api/types";

export interface ListSearch {
  c?: Id;
  /** The message to open the conversation at. */
  m?: Id;
  channel?: string;
  inbox?: Id;
  assignee?: Id;
  label?: Id;
  q?: string;
  pane?: "contact";
}
export type Place =
  | { to: "/conversations/$view"; params: { view: View }; search: ListSearch }
  | { to: "/contacts"; search: { q?: string } }
  | { to: "/contacts/$id"; params: { id: string } }
  | { to: "/scheduled" }
  | { to: "/settings/$page"; params: { page: string } }
  | { to: "/sign-in" };

let navigate: (place: Place, replace: boolean) => void = () => undefined;
let here: () => { view: View; search: ListSearch; onConversations: boolean } = () => ({
  view: "all",
  search: {},
  onConversations: false,
});

export function connectRouter(go: typeof navigate, where: typeof here): void {
  navigate = go;
  here = where;
}

export const go = (place: Place, replace = false): void => navigate(place, replace);
export const where = (): ReturnType<typeof here> => here();

const currentView = (): { view: View; search: ListSearch } => {
  const now = here();
  return now.onConversations ? now : { view: "all", search: {} };
};

export function openConversation(id: Id | null, { at, replace = false }: { at?: Id; replace?: boolean } = {}): void {
  const { view, search } = currentView();
  const filters = { ...search };
  delete filters.c;
  delete filters.m;
  delete filters.pane;
  const open = id === null ? {} : at === undefined ? { c: id } : { c: id, m: at };
  go({ to: "/conversations/$view", params: { view }, search: { ...filters, ...open } }, replace);
}

export function openView(view: View): void {
  const { search } = currentView();
  go({ to: "/conversations/$view", params: { view }, search: search.c === undefined ? {} : { c: search.c } });
}

export function setFilters(change: Omit<ListSearch, "c">, view?: View): void {
  const now = currentView();
  const search = Object.fromEntries(
    Object.entries({ ...now.search, ...change }).filter(([, value]) => value !== undefined && value !== ""),
  );
  go({ to: "/conversations/$view", params: { view: view ?? now.view }, search }, true);
}

export const filterOf = (view: View, search: ListSearch): Filter => ({
  view,
  channel: search.channel,
  inbox_id: search.inbox,
  assignee_id: search.assignee,
  label_id: search.label,
  q: search.q,
});
