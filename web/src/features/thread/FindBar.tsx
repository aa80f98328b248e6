import { t } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { ArrowDown, ArrowUp, Search, X } from "@/ui/icons";
import type { Finding } from "./useFinding";

interface FindBarProps {
  finding: Finding;
  hasOlder: boolean;
  onClose: () => void;
}

function said({ text, found, here, seeking }: Finding, hasOlder: boolean): string {
  if (text.trim() === "") return "";
  if (here !== null && !seeking) {
    const count = `${found.length}${hasOlder ? "+" : ""}`;
    return t("find.count", { at: String(found.length - found.indexOf(here)), count });
  }
  return seeking ? t("find.seeking") : found.length === 0 && !hasOlder ? t("nothing_found") : "";
}

/** The search of one conversation: Enter leads to what is older, as one reads upwards. */
export function FindBar({ finding, hasOlder, onClose }: FindBarProps) {
  const { here, found } = finding;
  return (
    <search className="flex shrink-0 items-center gap-1 border-b border-line bg-panel px-2 py-1.5 sm:px-4">
      <Search size={15} aria-hidden className="me-1.5 shrink-0 text-mute" />
      <input
        type="text"
        autoFocus
        dir="auto"
        aria-label={t("cmd.find")}
        placeholder={t("cmd.find")}
        value={finding.text}
        onChange={(event) => finding.setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onClose();
          else if (event.key === "Enter" && event.shiftKey) finding.newer();
          else if (event.key === "Enter") finding.older();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
        className="h-8 min-w-0 flex-1 bg-transparent text-sm outline-none max-sm:text-[16px]"
      />
      <span role="status" className="px-2 text-xs whitespace-nowrap text-mute tabular-nums">
        {said(finding, hasOlder)}
      </span>
      <IconButton
        label={t("find.older")}
        keys="Enter"
        icon={ArrowUp}
        disabled={here === null || (found[0] === here && !hasOlder)}
        onClick={finding.older}
      />
      <IconButton
        label={t("find.newer")}
        keys="Shift+Enter"
        icon={ArrowDown}
        disabled={here === null || found.at(-1) === here}
        onClick={finding.newer}
      />
      <IconButton label={t("close")} keys="Escape" icon={X} onClick={onClose} />
    </search>
  );
}
