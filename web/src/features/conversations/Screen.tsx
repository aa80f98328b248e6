import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { filterOf, setFilters } from "@/actions/go";
import { drawerOpen, listWidth, openId, panelShown, panelWidth } from "@/actions/screen";
import { ContactPanel } from "@/features/contact/ContactPanel";
import { ThreadPane } from "@/features/thread/ThreadPane";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { usePhone, useWide } from "@/lib/useMedia";
import { watchList } from "@/sync/load";
import { ContactDrawer } from "./ContactDrawer";
import { ListPane } from "./ListPane";
import { Nothing } from "./Nothing";
import { Splitter } from "./Splitter";

const route = getRouteApi("/app/conversations/$view");

export function Screen() {
  const { view } = route.useParams();
  const search = route.useSearch();
  const phone = usePhone();
  const wide = useWide();
  const { channel, inbox, assignee, label, q } = search;
  const filter = useMemo(
    () => filterOf(view, { channel, inbox, assignee, label, q }),
    [view, channel, inbox, assignee, label, q],
  );
  const open = search.c ?? null;
  const list = listWidth.use();
  const panel = panelWidth.use();
  const shown = panelShown.use();
  const drawer = drawerOpen.use();

  useEffect(() => {
    openId.set(open);
    return () => openId.set(null);
  }, [open]);
  useEffect(() => {
    watchList(filter);
    return () => watchList(null);
  }, [filter]);
  useEffect(() => drawerOpen.set(false), [open, wide]);

  // On a phone the list has the page to itself.
  const ListPart = phone ? "main" : "section";
  const showsList = !phone || open === null;
  const showsContact = phone && open !== null && search.pane === "contact";
  return (
    <>
      {showsList && (
        <ListPart
          aria-label={t("nav.conversations")}
          style={phone ? undefined : { width: list }}
          className={classes(
            "relative flex min-w-0 flex-col bg-panel",
            phone ? "flex-1" : "shrink-0 max-lg:max-w-[40vw]",
          )}
        >
          <ListPane view={view} search={search} filter={filter} />
          {!phone && <Splitter label={t("resize.list")} width={listWidth} min={280} max={480} direction={1} />}
        </ListPart>
      )}
      {!(phone && open === null) && (
        <main
          id="main"
          tabIndex={-1}
          className={classes("min-w-0 flex-1 flex-col bg-bg outline-none", showsContact ? "hidden" : "flex")}
        >
          {open === null ? <Nothing /> : <ThreadPane key={open} id={open} at={search.m ?? null} words={q ?? ""} />}
        </main>
      )}
      {wide && shown && open !== null && (
        <aside aria-label={t("contact")} style={{ width: panel }} className="relative shrink-0 bg-panel">
          <Splitter label={t("resize.panel")} width={panelWidth} min={270} max={420} direction={-1} />
          <div className="h-full overflow-y-auto">
            <ContactPanel key={open} conversation={open} />
          </div>
        </aside>
      )}
      {showsContact && (
        <main className="flex-1 overflow-y-auto bg-panel">
          <h1 className="sr-only">{t("contact")}</h1>
          <ContactPanel conversation={open} onBack={() => setFilters({ pane: undefined })} />
        </main>
      )}
      {!wide && !phone && drawer && open !== null && <ContactDrawer conversation={open} />}
    </>
  );
}
