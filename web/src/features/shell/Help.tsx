import { available, COMMANDS, titleOf, type Group } from "@/actions/registry";
import { overlay } from "@/actions/screen";
import { t } from "@/i18n";
import { Dialog } from "@/ui/Dialog";
import { Keys } from "@/ui/Menu";

const GROUPS: readonly Group[] = ["go", "conversation", "write", "select", "app"];
/** Keys that live inside a field and therefore are no commands. */
const IN_COMPOSER = [
  ["help.send", "Mod+Enter"],
  ["help.send_done", "Mod+Shift+Enter"],
  ["help.channel", "Alt+1"],
] as const;

export default function Help() {
  return (
    <Dialog open wide onClose={() => overlay.set(null)} title={t("help.title")} text={t("help.text")}>
      <div
        tabIndex={0}
        role="group"
        aria-label={t("help.title")}
        className="grid gap-x-8 gap-y-5 rounded-lg sm:grid-cols-2"
      >
        {GROUPS.map((group) => (
          <section key={group}>
            <h3 className="mb-1.5 text-xs font-semibold text-mute">{t(`help.${group}`)}</h3>
            <ul>
              {COMMANDS.filter((command) => command.group === group && command.keys).map((command) => (
                <li key={command.id} className="flex items-center justify-between gap-3 border-b border-line py-1.5">
                  <span className={available(command) ? "" : "text-mute"}>{titleOf(command)}</span>
                  <Keys keys={command.keys ?? ""} />
                </li>
              ))}
              {group === "write" &&
                IN_COMPOSER.map(([title, keys]) => (
                  <li key={title} className="flex items-center justify-between gap-3 border-b border-line py-1.5">
                    <span>{t(title)}</span>
                    <Keys keys={keys} />
                  </li>
                ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
