import { useEffect, useState } from "react";
import { setFilters, type ListSearch } from "@/actions/go";
import { keysOf } from "@/actions/registry";
import { overlay, selection } from "@/actions/screen";
import type { Filter } from "@/api/conversations";
import type { View } from "@/api/types";
import { t } from "@/i18n";
import { useRows } from "@/sync/store";
import { IconButton } from "@/ui/Button";
import { Search, SquarePen, TriangleAlert, X } from "@/ui/icons";
import { BulkBar } from "./BulkBar";
import { FilterChips, FilterMenu } from "./FilterMenu";
import { List } from "./List";
import { Tabs } from "./Tabs";
import { go } from "@/actions/go";

const TYPING_MS = 220;

/** The search text stands in the address, but only when typing pauses. */
function SearchField({ q }: { q: string }) {
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  useEffect(() => {
    if (text === q) return;
    const timer = setTimeout(() => setFilters({ q: text }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, q]);
  return (
    <div className="relative min-w-0 flex-1">
      <Search size={15} aria-hidden className="pointer-events-none absolute start-2.5 top-2 text-mute" />
      <input
        data-search
        type="search"
        value={text}
        aria-label={t("cmd.search")}
        placeholder={t("search")}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          setText("");
          event.currentTarget.blur();
        }}
        className="h-8 w-full rounded-lg bg-raise ps-8 pe-8 text-sm outline-none focus-visible:outline-2 focus-visible:outline-accent max-sm:text-[16px] [&::-webkit-search-cancel-button]:hidden"
      />
      {text && (
        <button
          type="button"
          aria-label={t("search.clear")}
          onClick={() => setText("")}
          className="absolute end-1 top-1 grid size-6 place-items-center rounded text-mute hover:text-ink"
        >
          <X size={14} aria-hidden />
        </button>
      )}
    </div>
  );
}

/** An inbox that needs a person is named where everybody looks. */
function HealthNotice() {
  const broken = useRows("inboxes").filter((inbox) => inbox.enabled && inbox.health.state === "attention");
  if (broken.length === 0) return null;
  return (
    <button
      type="button"
      onClick={() => go({ to: "/settings/$page", params: { page: "inboxes" } })}
      className="mx-2 mb-1 flex items-center gap-2 rounded-lg bg-bad-soft px-3 py-2 text-start text-xs text-bad"
    >
      <TriangleAlert size={15} className="shrink-0" aria-hidden />
      <span className="min-w-0 flex-1 truncate">
        {t("health.notice", { name: broken.map((inbox) => inbox.name).join(", ") })}
      </span>
      <span className="font-semibold underline">{t("health.look")}</span>
    </button>
  );
}

export function ListPane({ view, search, filter }: { view: View; search: ListSearch; filter: Filter }) {
  const ticked = selection.use();
  return (
    <>
      <header className="flex flex-col gap-2 px-3 pt-3 pb-1">
        <div className="flex items-center">
          <h1 className="flex-1 text-lg font-semibold tracking-tight">{t("nav.conversations")}</h1>
          <FilterMenu view={view} search={search} />
          <IconButton label={t("cmd.new")} keys={keysOf("new")} icon={SquarePen} onClick={() => overlay.set("new")} />
        </div>
        <SearchField q={search.q ?? ""} />
        <FilterChips view={view} search={search} />
      </header>
      {ticked.size > 0 ? <BulkBar ids={[...ticked]} /> : <Tabs view={view} />}
      <HealthNotice />
      <List filter={filter} open={search.c ?? null} />
    </>
  );
}
