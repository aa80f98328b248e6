import { t } from "@/i18n";
import { IconButton } from "./Button";
import { Copy } from "./icons";
import { toast } from "./toasts";

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  toast({ text: t("copied") });
}

/** A text to take elsewhere. */
export const CopyLine = ({ label, text, block }: { label: string; text: string; block?: boolean }) => (
  <div className="flex items-center gap-2 rounded-lg bg-raise ps-3 pe-1 text-xs">
    <span className="sr-only">{label}</span>
    {block ? (
      <pre tabIndex={0} aria-label={label} dir="ltr" className="min-w-0 flex-1 overflow-x-auto py-2.5 font-mono">
        {text}
      </pre>
    ) : (
      <code dir="ltr" className="min-w-0 flex-1 truncate py-2 font-mono">
        {text}
      </code>
    )}
    <IconButton label={t("copy.named", { name: label })} icon={Copy} size={15} onClick={() => void copy(text)} />
  </div>
);
