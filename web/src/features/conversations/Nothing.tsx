import { COMMANDS, titleOf } from "@/actions/registry";
import { overlay } from "@/actions/screen";
import { t } from "@/i18n";
import { useRows } from "@/sync/store";
import { Empty } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { Inbox, MessagesSquare, SquarePen } from "@/ui/icons";
import { go } from "@/actions/go";
import { Keys } from "@/ui/Menu";

const HINTS = ["next", "done", "reply", "assign", "palette", "help"];

/** Nothing is open: say what to do, and which keys do it. */
export function Nothing() {
  const inboxes = useRows("inboxes");
  if (inboxes.length === 0) {
    return (
      <Empty icon={Inbox} title={t("nothing.no_inbox")} text={t("nothing.no_inbox_text")} className="flex-1">
        <Button tone="primary" onClick={() => go({ to: "/settings/$page", params: { page: "inboxes" } })}>
          {t("inboxes.add")}
        </Button>
      </Empty>
    );
  }
  return (
    <Empty icon={MessagesSquare} title={t("nothing.title")} text={t("nothing.text")} className="flex-1">
      <ul className="grid w-72 gap-1 text-start">
        {COMMANDS.filter((command) => HINTS.includes(command.id)).map((command) => (
          <li key={command.id} className="flex items-center justify-between rounded-lg px-3 py-1 text-mute">
            {titleOf(command)}
            <Keys keys={command.keys ?? ""} />
          </li>
        ))}
      </ul>
      <div className="flex w-full justify-center pt-2">
        <Button icon={SquarePen} onClick={() => overlay.set("new")}>
          {t("cmd.new")}
        </Button>
      </div>
    </Empty>
  );
}
