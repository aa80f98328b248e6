import { useState } from "react";
import { sourceAddress } from "@/api/messages";
import type { Message } from "@/api/types";
import { t } from "@/i18n";
import { Dialog } from "@/ui/Dialog";
import { Code, Copy, Ellipsis, Info, Merge, Send } from "@/ui/icons";
import { Menu, MenuItem } from "@/ui/Menu";
import { toast } from "@/ui/toasts";
import { ForwardDialog, useForwarders } from "./ForwardDialog";
import { MoveDialog } from "./MoveDialog";
import { Way } from "./Way";

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  toast({ text: t("copied") });
}

export function MessageMenu({ message }: { message: Message }) {
  const [dialog, setDialog] = useState<"forward" | "move" | "way" | null>(null);
  const mayForward = useForwarders().length > 0 && message.audience === "contact";
  const close = () => setDialog(null);
  const hasSource = message.direction === "in" && message.audience === "contact";
  const menu = (
    <Menu
      align="end"
      trigger={
        <button
          type="button"
          aria-label={t("message.more")}
          className="grid size-6 shrink-0 place-items-center rounded-md text-mute opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 hover:bg-hover hover:text-ink data-[state=open]:opacity-100 pointer-coarse:opacity-100"
        >
          <Ellipsis size={15} aria-hidden />
        </button>
      }
    >
      <MenuItem icon={Copy} onSelect={() => void copy(message.reply ?? message.text)}>
        {t("message.copy")}
      </MenuItem>
      {hasSource && (
        <MenuItem icon={Code} onSelect={() => window.open(sourceAddress(message.id), "_blank", "noopener")}>
          {t("message.source")}
        </MenuItem>
      )}
      {message.audience === "contact" && (
        <MenuItem icon={Info} onSelect={() => setDialog("way")}>
          {t("way.open")}
        </MenuItem>
      )}
      {mayForward && (
        <MenuItem icon={Send} onSelect={() => setDialog("forward")}>
          {t("forward.open")}
        </MenuItem>
      )}
      {message.audience === "contact" && (
        <MenuItem icon={Merge} onSelect={() => setDialog("move")}>
          {t("move.open")}
        </MenuItem>
      )}
    </Menu>
  );
  return (
    <>
      {menu}
      {dialog === "forward" && <ForwardDialog message={message} onClose={close} />}
      {dialog === "way" && (
        <Dialog open title={t("way.title")} onClose={close}>
          <Way message={message} />
        </Dialog>
      )}
      {dialog === "move" && <MoveDialog message={message} onClose={close} />}
    </>
  );
}
