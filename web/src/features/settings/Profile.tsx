import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import type { Session } from "@/api/types";
import { changeMe, listSessions, readMe, signOutEverywhere } from "@/api/workspace";
import { leave } from "@/features/shell/session";
import { t } from "@/i18n";
import { deviceOf } from "@/lib/browser";
import { classes } from "@/lib/text";
import { mediumTime } from "@/lib/time";
import { store, useMe } from "@/sync/store";
import { Button } from "@/ui/Button";
import { FormError, TextField } from "@/ui/Field";
import { Laptop, Smartphone } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";
import { useSaving } from "./useSaving";

const CARD = "flex flex-col gap-4 rounded-2xl border border-line bg-panel p-5";

function NameForm() {
  const { user } = useMe();
  const [name, setName] = useState(user.name);
  const saving = useSaving();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await saving.run(async () => {
      await changeMe({ name: name.trim() });
      store.setMe(await readMe());
    });
    if (saved) toast({ text: t("saved") });
  };
  return (
    <form onSubmit={(event) => void submit(event)} className={CARD}>
      <FormError text={saving.error} />
      <TextField label={t("your_name")} required value={name} onChange={setName} help={user.email} />
      <div>
        <Button tone="primary" type="submit" busy={saving.busy}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}

function PasswordForm() {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const saving = useSaving();
  const queries = useQueryClient();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await saving.run(async () => {
      const { ended } = await changeMe({ password: { current, new: next } });
      toast({ text: ended?.tokens ? t("password.changed_tokens", { count: ended.tokens }) : t("password.changed") });
    });
    if (!saved) return;
    setCurrent("");
    setNext("");
    await queries.invalidateQueries({ queryKey: ["sessions"] });
  };
  return (
    <form onSubmit={(event) => void submit(event)} className={CARD}>
      <h2 className="text-base font-semibold">{t("password.change")}</h2>
      <FormError text={saving.error} />
      <TextField
        label={t("password.current")}
        type="password"
        autoComplete="current-password"
        required
        value={current}
        onChange={setCurrent}
      />
      <TextField
        label={t("password.new")}
        type="password"
        autoComplete="new-password"
        minLength={8}
        required
        value={next}
        onChange={setNext}
        help={t("password.rule", { count: 8 })}
      />
      <p className="text-xs text-mute">{t("password.ends")}</p>
      <div>
        <Button type="submit" busy={saving.busy}>
          {t("password.change")}
        </Button>
      </div>
    </form>
  );
}

/** "Chrome on Windows", and what it calls itself for those who want to know. */
function SignedIn({ session }: { session: Session }) {
  const { browser, system, phone } = deviceOf(session.agent);
  const Icon = phone ? Smartphone : Laptop;
  const name = browser ?? t("sessions.unknown");
  return (
    <li className="flex items-center gap-3">
      <Icon size={18} className="shrink-0 text-mute" aria-hidden />
      <span className="min-w-0 flex-1 sm:flex sm:items-center sm:gap-3">
        <span className="block min-w-0 flex-1 truncate" title={session.agent ?? undefined}>
          {system ? t("sessions.on", { browser: name, system }) : name}
        </span>
        <span className={classes("block shrink-0 text-xs", session.current ? "font-semibold text-good" : "text-mute")}>
          {session.current ? t("sessions.current") : t("sessions.seen", { time: mediumTime(session.seen_at) })}
        </span>
      </span>
    </li>
  );
}

function Sessions() {
  const sessions = useQuery({ queryKey: ["sessions"], queryFn: listSessions });
  return (
    <section className={CARD}>
      <h2 className="text-base font-semibold">{t("sessions")}</h2>
      <ul className="flex flex-col gap-3">
        {(sessions.data ?? []).map((session) => (
          <SignedIn key={session.id} session={session} />
        ))}
      </ul>
      <div>
        <Button tone="danger" onClick={() => void leave(signOutEverywhere)}>
          {t("sign_out.everywhere")}
        </Button>
      </div>
    </section>
  );
}

export const Profile = () => (
  <Page title={t("settings.profile")} narrow>
    <div className="flex flex-col gap-4">
      <NameForm />
      <PasswordForm />
      <Sessions />
    </div>
  </Page>
);
