import { useState, type FormEvent } from "react";
import { sentence } from "@/api/http";
import type { Role, User } from "@/api/types";
import { changeUser, createUser } from "@/api/workspace";
import { t } from "@/i18n";
import { store, useMay, useMe, useRows } from "@/sync/store";
import { Avatar } from "@/ui/bits";
import { Button, IconButton } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { FormError, SelectField, Switch, TextField } from "@/ui/Field";
import { Pencil, UserPlus } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";
import { useSaving } from "./useSaving";

/** Nobody is made owner in passing. */
const ROLES: readonly Role[] = ["admin", "user"];
const roleOptions = (now: Role) =>
  (now === "owner" ? (["owner", ...ROLES] as const) : ROLES).map((role) => [role, t(`role.${role}`)] as const);

function Invite({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState({ name: "", email: "", password: "", role: "user" as Role });
  const saving = useSaving();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await saving.run(async () => store.put("users", await createUser(form)))) onClose();
  };
  return (
    <Dialog open onClose={onClose} title={t("teammates.add")} text={t("teammates.add_text")}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={saving.error} />
        <TextField
          label={t("name")}
          required
          autoFocus
          value={form.name}
          onChange={(name) => setForm({ ...form, name })}
          error={saving.fields["name"]}
        />
        <TextField
          label={t("email_address")}
          type="email"
          required
          value={form.email}
          onChange={(email) => setForm({ ...form, email })}
          error={saving.fields["email"]}
        />
        <TextField
          label={t("teammates.password")}
          help={t("teammates.password_help")}
          type="password"
          autoComplete="new-password"
          minLength={8}
          required
          value={form.password}
          onChange={(password) => setForm({ ...form, password })}
          error={saving.fields["password"]}
        />
        <SelectField
          label={t("role")}
          value={form.role}
          options={roleOptions("user")}
          help={t(`role.${form.role}_help`)}
          onChange={(role) => setForm({ ...form, role: role as Role })}
        />
        <DialogActions>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button tone="primary" type="submit" busy={saving.busy}>
            {t("add")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function Edit({ user, self, onClose }: { user: User; self: boolean; onClose: () => void }) {
  const [name, setName] = useState(user.name);
  const [role, setRole] = useState<Role>(user.role);
  const [active, setActive] = useState(user.active);
  const [onlyAssigned, setOnlyAssigned] = useState(user.only_assigned);
  const saving = useSaving();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const changes = { name, only_assigned: onlyAssigned, ...(!self && { role, active }) };
    if (await saving.run(async () => store.put("users", await changeUser(user.id, changes)))) onClose();
  };
  return (
    <Dialog open onClose={onClose} title={user.name} text={user.email}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={saving.error} />
        <TextField label={t("name")} required value={name} onChange={setName} />
        {!self && (
          <SelectField
            label={t("role")}
            value={role}
            options={roleOptions(user.role)}
            help={t(`role.${role}_help`)}
            onChange={(next) => setRole(next as Role)}
          />
        )}
        {role === "user" && (
          <Switch
            label={t("teammates.only_assigned")}
            help={t("teammates.only_assigned_help")}
            checked={onlyAssigned}
            onChange={setOnlyAssigned}
          />
        )}
        {!self && (
          <Switch
            label={t("teammates.active")}
            help={t("teammates.active_help")}
            checked={active}
            onChange={setActive}
          />
        )}
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

export function Teammates() {
  const users = useRows("users");
  const me = useMe().user;
  const admin = useMay("people:write");
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<User | null>(null);
  const reactivate = async (user: User) => {
    try {
      store.put("users", await changeUser(user.id, { active: true }));
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const add = admin && (
    <Button tone="primary" icon={UserPlus} onClick={() => setAdding(true)}>
      {t("teammates.add")}
    </Button>
  );
  return (
    <Page title={t("settings.teammates")} text={t("teammates.text")} narrow actions={add}>
      <ul className="overflow-hidden rounded-2xl border border-line bg-panel">
        {users.map((user) => (
          <li key={user.id} className="flex items-center gap-3 border-b border-line px-4 py-3 last:border-0">
            <Avatar name={user.name} size={36} />
            <div className="min-w-0 flex-1">
              <p className="flex items-center gap-2 font-medium">
                <bdi className="truncate">{user.name}</bdi>
                {user.id === me.id && <span className="text-xs font-normal text-mute">{t("you")}</span>}
              </p>
              <p className="truncate text-xs text-mute">{user.email}</p>
            </div>
            <span className="text-xs text-mute">{user.active ? t(`role.${user.role}`) : t("teammates.inactive")}</span>
            {admin && !user.active && (
              <Button small onClick={() => void reactivate(user)}>
                {t("teammates.reactivate")}
              </Button>
            )}
            {admin && (
              <IconButton
                label={t("edit.named", { name: user.name })}
                icon={Pencil}
                size={15}
                onClick={() => setEditing(user)}
              />
            )}
          </li>
        ))}
      </ul>
      {adding && <Invite onClose={() => setAdding(false)} />}
      {editing && <Edit user={editing} self={editing.id === me.id} onClose={() => setEditing(null)} />}
    </Page>
  );
}
