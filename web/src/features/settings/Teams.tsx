import { useState, type FormEvent } from "react";
import { sentence } from "@/api/http";
import type { Id, Team } from "@/api/types";
import { changeTeam, createTeam, deleteTeam } from "@/api/workspace";
import { t } from "@/i18n";
import { store, useMay, useRows } from "@/sync/store";
import { Avatar, Empty } from "@/ui/bits";
import { Button, IconButton } from "@/ui/Button";
import { confirm } from "@/ui/Confirm";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { FormError, TextField } from "@/ui/Field";
import { Pencil, Plus, Trash, UsersRound } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";
import { useSaving } from "./useSaving";

function Form({ team, onClose }: { team: Team | null; onClose: () => void }) {
  const users = useRows("users").filter((user) => user.active);
  const [name, setName] = useState(team?.name ?? "");
  const [members, setMembers] = useState<readonly Id[]>(team?.member_ids ?? []);
  const saving = useSaving();
  const flip = (id: Id) => setMembers(members.includes(id) ? members.filter((one) => one !== id) : [...members, id]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body = { name: name.trim(), member_ids: [...members] };
    if (
      await saving.run(async () => store.put("teams", team ? await changeTeam(team.id, body) : await createTeam(body)))
    )
      onClose();
  };
  return (
    <Dialog open onClose={onClose} title={t(team ? "teams.edit" : "teams.add")}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={saving.error} />
        <TextField label={t("name")} required autoFocus value={name} onChange={setName} />
        <fieldset>
          <legend className="mb-1 font-medium">{t("teams.members")}</legend>
          {users.map((user) => (
            <label
              key={user.id}
              className="flex cursor-pointer items-center gap-3 rounded-lg px-2 py-1.5 hover:bg-hover"
            >
              <input
                type="checkbox"
                className="size-4 accent-accent"
                checked={members.includes(user.id)}
                onChange={() => flip(user.id)}
              />
              <Avatar name={user.name} size={26} />
              <bdi>{user.name}</bdi>
            </label>
          ))}
        </fieldset>
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

export function Teams() {
  const teams = useRows("teams");
  const users = useRows("users");
  const admin = useMay("people:write");
  const [editing, setEditing] = useState<Team | "new" | null>(null);
  const remove = async (team: Team) => {
    if (!(await confirm({ title: t("delete.named", { name: team.name }), text: t("teams.gone"), action: t("delete") })))
      return;
    try {
      await deleteTeam(team.id);
      store.remove("teams", team.id);
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const add = admin && (
    <Button tone="primary" icon={Plus} onClick={() => setEditing("new")}>
      {t("teams.add")}
    </Button>
  );
  return (
    <Page title={t("settings.teams")} text={t("teams.text")} narrow actions={add}>
      {teams.length === 0 ? (
        <Empty icon={UsersRound} title={t("teams.none")} text={t("teams.none_text")} />
      ) : (
        <ul className="overflow-hidden rounded-2xl border border-line bg-panel">
          {teams.map((team) => (
            <li key={team.id} className="flex items-center gap-3 border-b border-line px-4 py-3 last:border-0">
              <div className="min-w-0 flex-1">
                <p className="font-medium" dir="auto">
                  {team.name}
                </p>
                <p className="truncate text-xs text-mute">
                  {users
                    .filter((user) => team.member_ids.includes(user.id))
                    .map((user) => user.name)
                    .join(", ") || t("teams.nobody")}
                </p>
              </div>
              {admin && (
                <>
                  <IconButton
                    label={t("edit.named", { name: team.name })}
                    icon={Pencil}
                    size={15}
                    onClick={() => setEditing(team)}
                  />
                  <IconButton
                    label={t("delete.named", { name: team.name })}
                    icon={Trash}
                    size={15}
                    onClick={() => void remove(team)}
                  />
                </>
              )}
            </li>
          ))}
        </ul>
      )}
      {editing && <Form team={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
    </Page>
  );
}
