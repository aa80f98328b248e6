import { useState, type FormEvent } from "react";
import type { Channel, Inbox, Setting } from "@/api/types";
import { changeInbox, createInbox } from "@/api/workspace";
import { t } from "@/i18n";
import { store } from "@/sync/store";
import { Button } from "@/ui/Button";
import { DialogActions } from "@/ui/Dialog";
import { FormError, TextField } from "@/ui/Field";
import { isShown, startingValues, toSettings, type Values } from "./manifest";
import { SettingField } from "./SettingField";
import { useSaving } from "./useSaving";

interface InboxFormProps {
  channel: Channel;
  inbox?: Inbox;
  onCancel: () => void;
  onSaved: (inbox: Inbox) => void;
}

/** Connects an inbox, or changes one. Every field comes from the channel's manifest. */
export function InboxForm({ channel, inbox, onCancel, onSaved }: InboxFormProps) {
  const [name, setName] = useState(inbox?.name ?? channel.title);
  const [rate, setRate] = useState(inbox?.rate_per_minute ? String(inbox.rate_per_minute) : "");
  const [values, setValues] = useState<Values>(() => startingValues(channel.settings, inbox?.settings));
  const saving = useSaving();
  const shown = channel.settings.filter((setting) => isShown(setting, values, channel.settings));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    await saving.run(async () => {
      const settings = toSettings(channel.settings, values);
      const saved = inbox
        ? await changeInbox(inbox.id, { name, settings, rate_per_minute: rate.trim() === "" ? null : Number(rate) })
        : await createInbox({ channel: channel.name, name, settings });
      store.put("inboxes", saved);
      onSaved(saved);
    });
  };

  const field = (setting: Setting) => (
    <SettingField
      key={setting.name}
      setting={setting}
      value={values[setting.name] ?? ""}
      stored={inbox?.secrets[setting.name] ?? false}
      error={saving.fields[setting.name] ?? saving.fields[`settings.${setting.name}`]}
      onChange={(value) => setValues((now) => ({ ...now, [setting.name]: value }))}
    />
  );
  // Raw JSON is for people who look for it.
  const isAdvanced = (setting: Setting) => setting.advanced || setting.kind === "json";
  const advanced = shown.filter(isAdvanced);
  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <FormError text={saving.error} />
      <TextField
        label={t("inbox.name")}
        help={t("inbox.name_help")}
        error={saving.fields["name"]}
        required
        value={name}
        onChange={setName}
      />
      {shown.filter((setting) => !isAdvanced(setting)).map(field)}
      {(advanced.length > 0 || inbox) && (
        <details className="rounded-xl border border-line px-4 py-3">
          <summary className="cursor-pointer font-medium">{t("field.advanced")}</summary>
          <div className="mt-4 flex flex-col gap-4">
            {advanced.map(field)}
            {inbox && (
              <TextField
                label={t("inbox.rate")}
                help={t("inbox.rate_help")}
                type="number"
                min={1}
                value={rate}
                onChange={setRate}
              />
            )}
          </div>
        </details>
      )}
      <DialogActions>
        <Button onClick={onCancel}>{t("cancel")}</Button>
        <Button tone="primary" type="submit" busy={saving.busy}>
          {t(inbox ? "save" : "inbox.connect")}
        </Button>
      </DialogActions>
    </form>
  );
}
