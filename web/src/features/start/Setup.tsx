import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useMemo, useState, type FormEvent } from "react";
import { ApiError, sentence } from "@/api/http";
import type { Channel, Inbox } from "@/api/types";
import { setUp } from "@/api/workspace";
import { InboxForm } from "@/features/settings/InboxForm";
import { InstallSnippet } from "@/features/settings/InstallSnippet";
import { enter } from "@/features/shell/session";
import { t } from "@/i18n";
import { ownZone, zones } from "@/lib/time";
import { Button } from "@/ui/Button";
import { ChannelBadge, useChannels } from "@/ui/Channel";
import { FormError, SelectField, TextField } from "@/ui/Field";
import { Check, ChevronRight } from "@/ui/icons";
import { Sheet } from "./Sheet";

const STEPS = 3;
const SHORTEST = 8;

const Progress = ({ step }: { step: number }) => (
  <ol aria-label={t("setup.progress", { step, of: STEPS })} className="mb-6 flex gap-1.5">
    {Array.from({ length: STEPS }, (_, index) => (
      <li key={index} className={`h-1 flex-1 rounded-full ${index < step ? "bg-accent" : "bg-line"}`} />
    ))}
  </ol>
);

interface Account {
  name: string;
  email: string;
  password: string;
}

function AccountStep({
  account,
  onChange,
  onNext,
}: {
  account: Account;
  onChange: (account: Account) => void;
  onNext: () => void;
}) {
  const short = account.password !== "" && account.password.length < SHORTEST;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (account.password.length >= SHORTEST) onNext();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={t("your_name")}
        autoComplete="name"
        required
        autoFocus
        value={account.name}
        onChange={(name) => onChange({ ...account, name })}
      />
      <TextField
        label={t("email_address")}
        type="email"
        autoComplete="username"
        required
        value={account.email}
        onChange={(email) => onChange({ ...account, email })}
      />
      <TextField
        label={t("password")}
        type="password"
        autoComplete="new-password"
        required
        minLength={SHORTEST}
        help={t("password.rule", { count: SHORTEST })}
        error={short ? t("password.rule", { count: SHORTEST }) : undefined}
        value={account.password}
        onChange={(password) => onChange({ ...account, password })}
      />
      <Button tone="primary" type="submit">
        {t("continue")}
      </Button>
    </form>
  );
}

function WorkspaceStep({ account, onBack, onDone }: { account: Account; onBack: () => void; onDone: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [zone, setZone] = useState(ownZone());
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const options = useMemo(
    () => [...new Set([ownZone(), ...zones()])].map((one) => [one, one.replaceAll("_", " ")] as const),
    [],
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await enter(await setUp({ ...account, workspace: name, timezone: zone }), queries);
      onDone();
    } catch (problem) {
      const fields = problem instanceof ApiError ? Object.values(problem.fields) : [];
      setError([sentence(problem), ...fields].join(" "));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <FormError text={error} />
      <TextField
        label={t("workspace.name")}
        required
        autoFocus
        value={name}
        onChange={setName}
        help={t("workspace.name_help")}
      />
      <SelectField
        label={t("workspace.zone")}
        value={zone}
        options={options}
        onChange={setZone}
        help={t("workspace.zone_help")}
      />
      <div className="flex gap-2">
        <Button onClick={onBack}>{t("back")}</Button>
        <Button tone="primary" type="submit" busy={busy} className="flex-1">
          {t("setup.create")}
        </Button>
      </div>
    </form>
  );
}

function InboxStep({ onDone }: { onDone: () => void }) {
  const channels = useChannels();
  const [channel, setChannel] = useState<Channel | null>(null);
  const [made, setMade] = useState<Inbox | null>(null);
  if (made) {
    return (
      <div className="flex flex-col gap-4">
        <p className="flex items-center gap-2 font-semibold text-good">
          <Check size={17} aria-hidden />
          {t("setup.connected", { name: made.name })}
        </p>
        <InstallSnippet inbox={made} />
        <Button tone="primary" onClick={onDone}>
          {t("setup.open")}
        </Button>
      </div>
    );
  }
  if (channel) return <InboxForm channel={channel} onCancel={() => setChannel(null)} onSaved={setMade} />;
  return (
    <div className="flex flex-col gap-2">
      {channels.map((one) => (
        <button
          key={one.name}
          type="button"
          onClick={() => setChannel(one)}
          className="flex items-center gap-3 rounded-xl border border-line p-3 text-start hover:border-accent hover:bg-raise"
        >
          <ChannelBadge name={one.name} size={36} />
          <span className="min-w-0 flex-1">
            <span className="block font-semibold">{one.title}</span>
            <span className="block text-xs text-mute">{one.description}</span>
          </span>
          <ChevronRight size={17} className="text-mute rtl:-scale-x-100" aria-hidden />
        </button>
      ))}
      <Button tone="quiet" className="mt-2 self-center" onClick={onDone}>
        {t("setup.later")}
      </Button>
    </div>
  );
}

/** Three short steps from nothing to a first conversation. */
export function Setup() {
  const router = useRouter();
  const [step, setStep] = useState(1);
  const [account, setAccount] = useState<Account>({ name: "", email: "", password: "" });
  const finish = () => void router.navigate({ to: "/conversations/$view", params: { view: "all" }, search: {} });
  const titles = [t("setup.account"), t("setup.workspace"), t("setup.inbox")];
  const texts = [t("setup.account_text"), t("setup.workspace_text"), t("setup.inbox_text")];
  return (
    <Sheet wide title={titles[step - 1] ?? ""} text={texts[step - 1] ?? ""}>
      <Progress step={step} />
      {step === 1 && <AccountStep account={account} onChange={setAccount} onNext={() => setStep(2)} />}
      {step === 2 && <WorkspaceStep account={account} onBack={() => setStep(1)} onDone={() => setStep(3)} />}
      {step === 3 && <InboxStep onDone={finish} />}
    </Sheet>
  );
}
