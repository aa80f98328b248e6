import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { go } from "@/actions/go";
import { overlay } from "@/actions/screen";
import { deleteContact } from "@/api/contacts";
import { sentence } from "@/api/http";
import { ContactSections } from "@/features/contact/ContactPanel";
import { Name } from "@/features/contact/Name";
import { startWith } from "@/features/conversations/startWith";
import { t } from "@/i18n";
import { longDate } from "@/lib/time";
import { loadContact } from "@/sync/load";
import { store, useRow } from "@/sync/store";
import { Avatar, Failure, Spinner } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { confirm } from "@/ui/Confirm";
import { ArrowLeft, SquarePen, Trash } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";

const route = getRouteApi("/app/contacts/$id");

export function ContactPage() {
  const id = Number(route.useParams().id);
  const contact = useRow("contacts", id);
  const queries = useQueryClient();
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    loadContact(id).catch((problem: unknown) => setError(sentence(problem)));
  }, [id]);
  const remove = async () => {
    if (!contact) return;
    if (
      !(await confirm({
        title: t("contacts.delete_title"),
        text: t("contacts.delete_text", { name: contact.name }),
        action: t("delete"),
      }))
    )
      return;
    try {
      await deleteContact(id);
      store.remove("contacts", id);
      await queries.invalidateQueries({ queryKey: ["contacts"] });
      go({ to: "/contacts", search: {} });
    } catch (problem) {
      toast({ text: sentence(problem), tone: "bad" });
    }
  };
  return (
    <Page
      title={contact?.name ?? t("contact")}
      hideTitle
      narrow
      actions={
        <>
          <Button
            tone="quiet"
            icon={ArrowLeft}
            className="me-auto [&_svg]:rtl:-scale-x-100"
            onClick={() => go({ to: "/contacts", search: {} })}
          >
            {t("nav.contacts")}
          </Button>
          {contact && (
            <>
              <Button tone="danger" icon={Trash} onClick={() => void remove()}>
                {t("delete")}
              </Button>
              <Button
                tone="primary"
                icon={SquarePen}
                onClick={() => {
                  startWith.set(contact);
                  overlay.set("new");
                }}
              >
                {t("cmd.new")}
              </Button>
            </>
          )}
        </>
      }
    >
      {!contact && error && <Failure text={error} onRetry={() => void loadContact(id)} />}
      {!contact && !error && <Spinner />}
      {contact && (
        <div className="overflow-hidden rounded-2xl border border-line bg-panel">
          <header className="flex flex-col items-center px-4 pt-6 pb-4">
            <Avatar name={contact.name} size={72} />
            <Name contact={contact} />
            <p className="text-xs text-mute">{t("contacts.since", { date: longDate(contact.created_at) })}</p>
          </header>
          <ContactSections contact={contact} />
        </div>
      )}
    </Page>
  );
}
