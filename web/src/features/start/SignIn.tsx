import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useRouter } from "@tanstack/react-router";
import { sentence } from "@/api/http";
import { signIn } from "@/api/workspace";
import { enter } from "@/features/shell/session";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { FormError, TextField } from "@/ui/Field";
import { Sheet } from "./Sheet";

export function SignIn() {
  const router = useRouter();
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await enter(await signIn(email, password), queries);
      await router.navigate({ to: "/conversations/$view", params: { view: "all" }, search: {} });
    } catch (problem) {
      setError(sentence(problem));
      setBusy(false);
    }
  };
  return (
    <Sheet title={t("sign_in.title")}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={error} />
        <TextField
          label={t("email_address")}
          type="email"
          autoComplete="username"
          required
          autoFocus
          value={email}
          onChange={setEmail}
        />
        <TextField
          label={t("password")}
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={setPassword}
        />
        <Button tone="primary" type="submit" busy={busy} className="mt-1 w-full">
          {t("sign_in")}
        </Button>
      </form>
    </Sheet>
  );
}
