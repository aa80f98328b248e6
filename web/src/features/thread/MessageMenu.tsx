import { sourceAddress } from "@/api/messages";
import type { Message } from "@/api/types";
import { t } from "@/i18n";
import { Code, Copy, Ellipsis } from "@/ui/icons";
import { Menu, MenuItem } from "@/ui/Menu";
import { toast } from "@/ui/toasts";

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  toast({ text: t("copied") });
}

export function MessageMenu({ message }: { message: Message }) {
  const hasSource = message.direction === "in" && message.audience === "contact";
  return (
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
    </Menu>
  );
}
