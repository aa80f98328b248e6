import { useQuery } from "@tanstack/react-query";
import { Command as Menu } from "cmdk";
import { Dialog } from "radix-ui";
import { useDeferredValue, useEffect } from "react";
import { go, openConversation } from "@/actions/go";
import { available, COMMANDS, titleOf } from "@/actions/registry";
import { overlay, paletteText } from "@/actions/screen";
import { listContacts } from "@/api/contacts";
import { listConversations } from "@/api/conversations";
import { t } from "@/i18n";
import { Avatar } from "@/ui/bits";
import { ChannelIcon } from "@/ui/Channel";
import { Search } from "@/ui/icons";
import { Keys } from "@/ui/Menu";

const ITEM =
  "flex min-h-9 cursor-pointer items-center gap-3 rounded-lg px-3 py-1.5 text-sm data-[selected=true]:bg-hover";
const GROUP =
  "[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:font-semibold [&_[cmdk-group-heading]]:text-mute";

const then = (run: () => void) => () => {
  overlay.set(null);
  run();
};

/** What the server finds for the text; the commands above never wait for it. */
function useFound(text: string) {
  const q = useDeferredValue(text.trim());
  const enabled = q.length > 1;
  const contacts = useQuery({
    queryKey: ["contacts", "palette", q],
    queryFn: ({ signal }) => listContacts(q, null, 5, signal),
    enabled,
  });
  const conversations = useQuery({
    queryKey: ["palette", q],
    queryFn: () => listConversations({ view: "all", q }, null, 5),
    enabled,
  });
  return { contacts: contacts.data?.items ?? [], conversations: conversations.data?.items ?? [] };
}

export default function Palette() {
  const text = paletteText.use();
  useEffect(() => () => paletteText.set(""), []);
  const found = useFound(text);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && overlay.set(null)}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Dialog.Content
          aria-describedby={undefined}
          className="pop fixed inset-x-0 top-[12vh] z-40 mx-auto w-[calc(100%-1.5rem)] max-w-xl overflow-hidden rounded-2xl bg-panel shadow-pop outline-none"
        >
          <Dialog.Title className="sr-only">{t("cmd.palette")}</Dialog.Title>
          <Menu label={t("cmd.palette")} loop>
            <div className="flex items-center gap-2.5 border-b border-line px-4">
              <Search size={17} className="text-mute" aria-hidden />
              <Menu.Input
                value={text}
                onValueChange={paletteText.set}
                placeholder={t("palette.placeholder")}
                className="h-13 flex-1 bg-transparent text-base outline-none"
              />
              <Keys keys="Escape" />
            </div>
            <Menu.List className="max-h-[min(24rem,60vh)] overflow-y-auto p-1.5">
              <Menu.Empty className="px-3 py-8 text-center text-mute">{t("nothing_found")}</Menu.Empty>
              <Menu.Group heading={t("palette.actions")} className={GROUP}>
                {COMMANDS.filter(
                  (command) => command.id !== "palette" && command.id !== "leave" && available(command),
                ).map((command) => (
                  <Menu.Item key={command.id} value={titleOf(command)} onSelect={then(command.run)} className={ITEM}>
                    <span className="flex-1">{titleOf(command)}</span>
                    {command.keys && <Keys keys={command.keys} />}
                  </Menu.Item>
                ))}
              </Menu.Group>
              {found.conversations.length > 0 && (
                <Menu.Group heading={t("nav.conversations")} className={GROUP} forceMount>
                  {found.conversations.map((row) => (
                    <Menu.Item
                      key={row.id}
                      forceMount
                      value={`conversation ${row.id}`}
                      onSelect={then(() => openConversation(row.id))}
                      className={ITEM}
                    >
                      <ChannelIcon name={row.channels[0]} size={16} own />
                      <span dir="auto" className="shrink-0">
                        {row.contact.name}
                      </span>
                      <span dir="auto" className="truncate text-mute">
                        {row.last?.preview}
                      </span>
                    </Menu.Item>
                  ))}
                </Menu.Group>
              )}
              {found.contacts.length > 0 && (
                <Menu.Group heading={t("nav.contacts")} className={GROUP} forceMount>
                  {found.contacts.map((row) => (
                    <Menu.Item
                      key={row.id}
                      forceMount
                      value={`contact ${row.id}`}
                      onSelect={then(() => go({ to: "/contacts/$id", params: { id: String(row.id) } }))}
                      className={ITEM}
                    >
                      <Avatar name={row.name} size={22} />
                      <span dir="auto">{row.name}</span>
                      <bdi className="truncate text-mute">{row.points[0]?.display}</bdi>
                    </Menu.Item>
                  ))}
                </Menu.Group>
              )}
            </Menu.List>
          </Menu>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
