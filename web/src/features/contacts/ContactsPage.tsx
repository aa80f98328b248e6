import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useDeferredValue, useEffect, useState } from "react";
import { go } from "@/actions/go";
import { listContacts } from "@/api/contacts";
import type { Contact } from "@/api/types";
import { t } from "@/i18n";
import { addressesBeside } from "@/lib/text";
import { longDate } from "@/lib/time";
import { useRows } from "@/sync/store";
import { Avatar, Empty, TagChip } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { INPUT } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Paged } from "@/ui/Paged";
import { Plus, Search, Users } from "@/ui/icons";
import { NewContact } from "./NewContact";

const route = getRouteApi("/app/contacts");

function Line({ contact }: { contact: Contact }) {
  const tags = useRows("tags").filter((tag) => contact.tags.includes(tag.id));
  return (
    <li className="relative flex items-center gap-3 border-b border-line px-3 py-2.5 last:border-0 hover:bg-raise">
      <Avatar name={contact.name} size={36} />
      <div className="min-w-0 flex-1 sm:flex sm:items-center sm:gap-4">
        <div className="min-w-0 sm:w-2/5">
          <Link
            to="/contacts/$id"
            params={{ id: String(contact.id) }}
            className="block truncate font-medium after:absolute after:inset-0"
          >
            <bdi>{contact.name}</bdi>
          </Link>
        </div>
        <p className="min-w-0 flex-1 truncate text-mute">
          {addressesBeside(contact).map((address, index) => (
            <span key={address}>
              {index > 0 && " · "}
              <bdi>{address}</bdi>
            </span>
          ))}
        </p>
        <div className="hidden gap-1 md:flex">
          {tags.slice(0, 2).map((tag) => (
            <TagChip key={tag.id} tag={tag} />
          ))}
        </div>
      </div>
      <span className="hidden w-24 shrink-0 text-end text-xs text-mute lg:block">{longDate(contact.created_at)}</span>
    </li>
  );
}

export function ContactsPage() {
  const { q = "" } = route.useSearch();
  const [text, setText] = useState(q);
  const [adding, setAdding] = useState(false);
  const wanted = useDeferredValue(text.trim());
  useEffect(() => {
    if (wanted !== q) go({ to: "/contacts", search: wanted ? { q: wanted } : {} }, true);
  }, [wanted, q]);
  const found = useInfiniteQuery({
    queryKey: ["contacts", "page", wanted],
    queryFn: ({ pageParam, signal }) => listContacts(wanted, pageParam, 50, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
  });
  return (
    <Page
      title={t("nav.contacts")}
      actions={
        <Button tone="primary" icon={Plus} onClick={() => setAdding(true)}>
          {t("contacts.add")}
        </Button>
      }
    >
      <div className="relative mb-4">
        <Search size={16} aria-hidden className="pointer-events-none absolute start-3 top-2.5 text-mute" />
        <input
          type="search"
          aria-label={t("contacts.search")}
          placeholder={t("contacts.search")}
          value={text}
          onChange={(event) => setText(event.target.value)}
          className={`${INPUT} h-9 ps-9`}
        />
      </div>
      <Paged
        found={found}
        empty={
          <Empty
            icon={Users}
            title={wanted ? t("nothing_found") : t("contacts.none")}
            text={wanted ? t("contacts.none_match") : t("contacts.none_text")}
          />
        }
      >
        {(contacts) => (
          <>
            <ul className="overflow-hidden rounded-2xl border border-line bg-panel">
              {contacts.map((contact) => (
                <Line key={contact.id} contact={contact} />
              ))}
            </ul>
          </>
        )}
      </Paged>
      {adding && <NewContact onClose={() => setAdding(false)} />}
    </Page>
  );
}
