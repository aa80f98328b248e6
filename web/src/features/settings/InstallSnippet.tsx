import type { Inbox } from "@/api/types";
import { t } from "@/i18n";
import { useChannel } from "@/ui/Channel";
import { ExternalLink } from "@/ui/icons";
import { CopyLine } from "@/ui/CopyLine";

/** Whether it is a chat on the business's own site. */
export const useOnSite = (name: string): boolean => useChannel(name)?.can.address_kinds.includes("visitor") ?? false;

/** For channels that live on the business's own site: what to put there, and a page to try it at once. */
export function InstallSnippet({ inbox }: { inbox: Inbox }) {
  if (!useOnSite(inbox.channel)) return null;
  const snippet = `<script src="${location.origin}/widget.js" data-key="${inbox.public_key}" async></script>`;
  return (
    <section className="flex flex-col gap-2">
      <p className="font-semibold">{t("widget.install")}</p>
      <p className="text-xs text-mute">{t("widget.install_text")}</p>
      <CopyLine block label={t("widget.snippet")} text={snippet} />
      <a
        href={`/widget/demo?key=${encodeURIComponent(inbox.public_key)}`}
        target="_blank"
        rel="noreferrer"
        className="inline-flex w-fit items-center gap-1.5 rounded-lg border border-line px-3 py-2 font-medium hover:bg-hover"
      >
        {t("widget.try")}
        <ExternalLink size={14} aria-hidden />
      </a>
    </section>
  );
}
