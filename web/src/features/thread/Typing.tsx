import type { Id } from "@/api/types";
import { t } from "@/i18n";
import { useRow } from "@/sync/store";
import { usePresence } from "@/sync/whispers";

export function Typing({ conversation }: { conversation: Id }) {
  const presence = usePresence(conversation);
  const name = useRow("conversations", conversation)?.contact.name ?? "";
  if (!presence.contact) return null;
  return (
    <p className="flex items-center gap-2 px-5 pb-1 text-xs text-mute" aria-live="polite">
      <span className="flex gap-0.5" aria-hidden>
        {[0, 150, 300].map((delay) => (
          <i
            key={delay}
            className="typing-dot size-1.5 rounded-full bg-mute"
            style={{ animationDelay: `${delay}ms` }}
          />
        ))}
      </span>
      {t("typing.contact", { name })}
    </p>
  );
}
