import { useState, type FormEvent } from "react";
import { sentence } from "@/api/http";
import type { Label } from "@/api/types";
import { changeColoured, createColoured, deleteColoured, type Coloured } from "@/api/workspace";
import { t, type Key } from "@/i18n";
import { classes } from "@/lib/text";
import { store, useMay, useRows } from "@/sync/store";
import { Empty, LabelChip, TagChip } from "@/ui/bits";
import { Button, IconButton } from "@/ui/Button";
import { confirm } from "@/ui/Confirm";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { FormError, TextField } from "@/ui/Field";
import { Check, Pencil, Plus, Tag, Trash } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";
import { useSaving } from "./useSaving";

const COLOURS = [
  "#dc2626",
  "#ea580c",
  "#b45309",
  "#4d7c0f",
  "#0f766e",
  "#0369a1",
  "#2563eb",
  "#7c3aed",
  "#be185d",
  "#475569",
];

interface FormProps {
  kind: Coloured;
  row: Label | null;
  title: string;
  onClose: () => void;
}

function Form({ kind, row, title, onClose }: FormProps) {
  const [name, setName] = useState(row?.name ?? "");
  const [colour, setColour] = useState(row?.colour ?? (COLOURS[6] as string));
  const saving = useSaving();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await saving.run(async () => {
      const body = { name: name.trim(), colour };
      store.put(kind, row ? await changeColoured(kind, row.id, body) : await createColoured(kind, body));
    });
    if (saved) onClose();
  };
  const preview: Label = { id: 0, name: name.trim() || t("name"), colour };
  return (
    <Dialog open onClose={onClose} title={title}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={saving.error} />
        <TextField label={t("name")} required autoFocus maxLength={60} value={name} onChange={setName} />
        <fieldset>
          <legend className="mb-1.5 font-medium">{t("colour")}</legend>
          <div className="flex flex-wrap gap-2">
            {COLOURS.map((one) => (
              <label
                key={one}
                className={classes(
                  "grid size-8 cursor-pointer place-items-center rounded-lg has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
                )}
                style={{ background: one }}
              >
                <input
                  type="radio"
                  name="colour"
                  className="sr-only"
                  aria-label={one}
                  checked={colour === one}
                  onChange={() => setColour(one)}
                />
                {colour === one && <Check size={16} className="text-white" aria-hidden />}
              </label>
            ))}
          </div>
        </fieldset>
        <div>{kind === "labels" ? <LabelChip label={preview} /> : <TagChip tag={preview} />}</div>
        <DialogActions>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button tone="primary" type="submit" busy={saving.busy}>
            {t("save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

interface Words {
  title: Key;
  text: Key;
  add: Key;
  edit: Key;
  none: Key;
  gone: Key;
}

function List({ kind, words }: { kind: Coloured; words: Words }) {
  const rows = useRows(kind);
  const admin = useMay(`${kind}:write`);
  const [editing, setEditing] = useState<Label | "new" | null>(null);
  const remove = async (row: Label) => {
    if (!(await confirm({ title: t("delete.named", { name: row.name }), text: t(words.gone), action: t("delete") })))
      return;
    try {
      await deleteColoured(kind, row.id);
      store.remove(kind, row.id);
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const add = admin && (
    <Button tone="primary" icon={Plus} onClick={() => setEditing("new")}>
      {t(words.add)}
    </Button>
  );
  return (
    <Page title={t(words.title)} text={t(words.text)} narrow actions={add}>
      {rows.length === 0 ? (
        <Empty icon={Tag} title={t(words.none)} />
      ) : (
        <ul className="overflow-hidden rounded-2xl border border-line bg-panel">
          {rows.map((row) => (
            <li key={row.id} className="flex items-center gap-2 border-b border-line px-4 py-2.5 last:border-0">
              <span className="min-w-0 flex-1">
                {kind === "labels" ? <LabelChip label={row} /> : <TagChip tag={row} />}
              </span>
              {admin && (
                <>
                  <IconButton
                    label={t("edit.named", { name: row.name })}
                    icon={Pencil}
                    size={15}
                    onClick={() => setEditing(row)}
                  />
                  <IconButton
                    label={t("delete.named", { name: row.name })}
                    icon={Trash}
                    size={15}
                    onClick={() => void remove(row)}
                  />
                </>
              )}
            </li>
          ))}
        </ul>
      )}
      {editing && (
        <Form
          kind={kind}
          row={editing === "new" ? null : editing}
          title={t(editing === "new" ? words.add : words.edit)}
          onClose={() => setEditing(null)}
        />
      )}
    </Page>
  );
}

export const LabelsPage = () => (
  <List
    kind="labels"
    words={{
      title: "settings.labels",
      text: "labels.text",
      add: "labels.add",
      edit: "labels.edit",
      none: "labels.none",
      gone: "labels.gone",
    }}
  />
);
export const TagsPage = () => (
  <List
    kind="tags"
    words={{
      title: "settings.tags",
      text: "tags.text",
      add: "tags.add",
      edit: "tags.edit",
      none: "tags.none",
      gone: "tags.gone",
    }}
  />
);
