import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { go } from "@/actions/go";
import { createContact } from "@/api/contacts";
import { sentence } from "@/api/http";
import { kindName, useKinds } from "@/features/contact/Points";
import { t } from "@/i18n";
import { store } from "@/sync/store";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { FormError, TextField } from "@/ui/Field";

export function NewContact({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const kinds = useKinds();
  const [name, setName] = useState("");
  const [values, setValues] = useState<Record<string, string>>({});
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const points = kinds
      .map((kind) => ({ kind, value: (values[kind] ?? "").trim() }))
      .filter((point) => point.value !== "");
    try {
      const contact = await createContact({ name: name.trim(), points });
      store.receive("contacts", contact);
      await queries.invalidateQueries({ queryKey: ["contacts"] });
      onClose();
      go({ to: "/contacts/$id", params: { id: String(contact.id) } });
    } catch (problem) {
      setError(sentence(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={t("contacts.add")}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={error} />
        <TextField label={t("name")} required autoFocus value={name} onChange={setName} />
        {kinds.map((kind) => (
          <TextField
            key={kind}
            label={kindName(kind)}
            value={values[kind] ?? ""}
            onChange={(value) => setValues({ ...values, [kind]: value })}
          />
        ))}
        <DialogActions>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button tone="primary" type="submit" busy={busy}>
            {t("create")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
