import { useMemo, useState, type FormEvent } from "react";
import type { Joining } from "@/api/types";
import { changeWorkspace, readMe } from "@/api/workspace";
import { t } from "@/i18n";
import { zones } from "@/lib/time";
import { store, useMe } from "@/sync/store";
import { Button } from "@/ui/Button";
import { FormError, SelectField, TextField } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";
import { useSaving } from "./useSaving";

export function WorkspacePage() {
  const { workspace } = useMe();
  const [name, setName] = useState(workspace.name);
  const [zone, setZone] = useState(workspace.timezone);
  const [joining, setJoining] = useState<Joining>(workspace.settings.joining ?? "contact");
  const [days, setDays] = useState(String(workspace.settings.reopen_days ?? ""));
  const saving = useSaving();
  const options = useMemo(
    () => [...new Set([workspace.timezone, ...zones()])].map((one) => [one, one.replaceAll("_", " ")] as const),
    [workspace.timezone],
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await saving.run(async () => {
      await changeWorkspace({ name: name.trim(), timezone: zone, settings: { joining, reopen_days: Number(days) } });
      store.setMe(await readMe());
    });
    if (saved) toast({ text: t("saved") });
  };
  return (
    <Page title={t("settings.workspace")} narrow>
      <form
        onSubmit={(event) => void submit(event)}
        className="flex flex-col gap-5 rounded-2xl border border-line bg-panel p-5"
      >
        <FormError text={saving.error} />
        <TextField label={t("workspace.name")} required value={name} onChange={setName} />
        <SelectField
          label={t("workspace.zone")}
          value={zone}
          options={options}
          onChange={setZone}
          help={t("workspace.zone_help")}
        />
        <SelectField
          label={t("joining")}
          value={joining}
          options={[
            ["contact", t("joining.contact")],
            ["contact_inbox", t("joining.contact_inbox")],
          ]}
          help={t(`joining.${joining}_help`)}
          onChange={(next) => setJoining(next as Joining)}
        />
        <TextField
          label={t("reopen_days")}
          help={t("reopen_days.help")}
          type="number"
          min={0}
          max={365}
          required
          value={days}
          onChange={setDays}
        />
        <div>
          <Button tone="primary" type="submit" busy={saving.busy}>
            {t("save")}
          </Button>
        </div>
      </form>
    </Page>
  );
}
