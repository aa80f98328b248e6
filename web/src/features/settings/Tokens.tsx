import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { sentence } from "@/api/http";
import type { Token } from "@/api/types";
import { createToken, deleteToken, listTokens } from "@/api/workspace";
import { t } from "@/i18n";
import { longDate } from "@/lib/time";
import { useMe } from "@/sync/store";
import { Empty, Failure, Spinner } from "@/ui/bits";
import { Button, IconButton } from "@/ui/Button";
import { confirm } from "@/ui/Confirm";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { FormError, SelectField, TextField } from "@/ui/Field";
import { KeyRound, Plus, Trash } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";
import { CopyLine } from "@/ui/CopyLine";
import { useSaving } from "./useSaving";

const DAY = 86_400_000;
const LIFETIMES = ["", "30", "90", "365"] as const;
type Reach = "read" | "work" | "all";
const REACHES: readonly Reach[] = ["read", "work", "all"];
/** What belongs to the daily work, as against running the workspace. */
const WORK = ["conversations:write", "contacts:write", "labels:write", "tags:write"];

const scopesFor = (reach: Reach, mine: readonly string[]): string[] =>
  mine.filter((one) => reach === "all" || one.endsWith(":read") || (reach === "work" && WORK.includes(one)));

function Create({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [reach, setReach] = useState<Reach>("work");
  const { permissions } = useMe();
  const [days, setDays] = useState("");
  const [made, setMade] = useState<Token | null>(null);
  const saving = useSaving();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const expires = days ? { expires_at: new Date(Date.now() + Number(days) * DAY).toISOString() } : {};
    await saving.run(async () =>
      setMade(await createToken({ name: name.trim(), scopes: scopesFor(reach, permissions), ...expires })),
    );
  };
  if (made) {
    return (
      <Dialog open onClose={onClose} title={t("tokens.made")} text={t("tokens.once")}>
        <CopyLine label={t("tokens.token")} text={made.token ?? ""} />
        <DialogActions>
          <Button tone="primary" onClick={onClose}>
            {t("done.close")}
          </Button>
        </DialogActions>
      </Dialog>
    );
  }
  return (
    <Dialog open onClose={onClose} title={t("tokens.add")}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={saving.error} />
        <TextField label={t("name")} help={t("tokens.name_help")} required autoFocus value={name} onChange={setName} />
        <SelectField
          label={t("tokens.scope")}
          value={reach}
          options={REACHES.map((one) => [one, t(`scope.${one}`)] as const)}
          onChange={(next) => setReach(next as Reach)}
        />
        <SelectField
          label={t("tokens.expires")}
          value={days}
          options={LIFETIMES.map(
            (one) => [one, one ? t("tokens.days", { count: Number(one) }) : t("tokens.never")] as const,
          )}
          onChange={setDays}
        />
        <DialogActions>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button tone="primary" type="submit" busy={saving.busy}>
            {t("create")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

export function Tokens() {
  const queries = useQueryClient();
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: listTokens });
  const [adding, setAdding] = useState(false);
  const again = () => queries.invalidateQueries({ queryKey: ["tokens"] });
  const remove = async (token: Token) => {
    if (
      !(await confirm({ title: t("delete.named", { name: token.name }), text: t("tokens.gone"), action: t("delete") }))
    )
      return;
    try {
      await deleteToken(token.id);
      await again();
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  return (
    <Page
      title={t("settings.tokens")}
      text={t("tokens.text")}
      narrow
      actions={
        <Button tone="primary" icon={Plus} onClick={() => setAdding(true)}>
          {t("tokens.add")}
        </Button>
      }
    >
      {tokens.isPending ? (
        <Spinner />
      ) : tokens.isError ? (
        <Failure text={sentence(tokens.error)} onRetry={() => void tokens.refetch()} />
      ) : tokens.data.length === 0 ? (
        <Empty icon={KeyRound} title={t("tokens.none")} text={t("tokens.none_text")} />
      ) : (
        <ul className="overflow-hidden rounded-2xl border border-line bg-panel">
          {tokens.data.map((token) => (
            <li key={token.id} className="flex items-center gap-3 border-b border-line px-4 py-3 last:border-0">
              <div className="min-w-0 flex-1">
                <p className="font-medium" dir="auto">
                  {token.name}
                </p>
                <p className="text-xs text-mute">
                  <code dir="ltr">{token.prefix}…</code> · {token.scopes.join(", ")} ·{" "}
                  {t("tokens.created", { date: longDate(token.created_at) })}
                  {token.expires_at && ` · ${t("tokens.until", { date: longDate(token.expires_at) })}`} ·{" "}
                  {token.last_used_at ? t("tokens.used", { date: longDate(token.last_used_at) }) : t("tokens.unused")}
                </p>
              </div>
              <IconButton
                label={t("delete.named", { name: token.name })}
                icon={Trash}
                size={15}
                onClick={() => void remove(token)}
              />
            </li>
          ))}
        </ul>
      )}
      {adding && (
        <Create
          onClose={() => {
            setAdding(false);
            void again();
          }}
        />
      )}
    </Page>
  );
}
