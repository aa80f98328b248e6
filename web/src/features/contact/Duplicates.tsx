import { useQuery, useQueryClient } from "@tanstack/react-query";
import { answerSuggestion, suggestionsFor } from "@/api/contacts";
import { sentence } from "@/api/http";
import type { Id, Suggestion } from "@/api/types";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { confirm } from "@/ui/Confirm";
import { Merge } from "@/ui/icons";
import { toast } from "@/ui/toasts";

/** Contacts that may be the same person. Nothing is merged before somebody says so. */
export function Duplicates({ contact }: { contact: Id }) {
  const queries = useQueryClient();
  const found = useQuery({ queryKey: ["suggestions", contact], queryFn: () => suggestionsFor(contact) });
  const answer = async (suggestion: Suggestion, accept: boolean) => {
    const other = suggestion.contact.id === contact ? suggestion.other : suggestion.contact;
    if (
      accept &&
      !(await confirm({
        title: t("duplicate.title"),
        text: t("duplicate.sure", { name: other.name }),
        action: t("duplicate.merge"),
      }))
    )
      return;
    try {
      await answerSuggestion(suggestion.id, accept);
      await queries.invalidateQueries({ queryKey: ["suggestions"] });
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  return (found.data ?? []).map((suggestion) => {
    const other = suggestion.contact.id === contact ? suggestion.other : suggestion.contact;
    return (
      <section key={suggestion.id} aria-label={t("duplicate.title")} className="mx-3 mb-3 rounded-xl bg-warn-soft p-3">
        <p className="flex items-center gap-2 font-medium text-warn">
          <Merge size={15} aria-hidden />
          {t("duplicate.maybe", { name: other.name })}
        </p>
        <p className="mt-0.5 text-xs text-ink" dir="auto">
          {suggestion.reason}
        </p>
        <div className="mt-2 flex gap-2">
          <Button small tone="primary" onClick={() => void answer(suggestion, true)}>
            {t("duplicate.merge")}
          </Button>
          <Button small onClick={() => void answer(suggestion, false)}>
            {t("duplicate.dismiss")}
          </Button>
        </div>
      </section>
    );
  });
}
