import { useState } from "react";
import type { Channel, Inbox } from "@/api/types";
import { t } from "@/i18n";
import { useMay, useRows } from "@/sync/store";
import { Empty } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { ChannelBadge, useChannels } from "@/ui/Channel";
import { Dialog } from "@/ui/Dialog";
import { ChevronRight, Inbox as InboxIcon, Plus } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { InboxCard } from "./InboxCard";
import { InboxForm } from "./InboxForm";
import { InstallSnippet } from "./InstallSnippet";

function Connect({ onClose }: { onClose: () => void }) {
  const channels = useChannels();
  const [channel, setChannel] = useState<Channel | null>(null);
  const [made, setMade] = useState<Inbox | null>(null);
  if (made) {
    return (
      <Dialog open onClose={onClose} title={t("setup.connected", { name: made.name })}>
        <InstallSnippet inbox={made} />
        <div className="mt-5 flex justify-end">
          <Button tone="primary" onClick={onClose}>
            {t("done.close")}
          </Button>
        </div>
      </Dialog>
    );
  }
  if (channel) {
    const finish = (inbox: Inbox) => (channel.can.address_kinds.includes("visitor") ? setMade(inbox) : onClose());
    return (
      <Dialog
        open
        onClose={onClose}
        title={t("inbox.connect_named", { channel: channel.title })}
        text={channel.description}
      >
        <InboxForm channel={channel} onCancel={() => setChannel(null)} onSaved={finish} />
      </Dialog>
    );
  }
  return (
    <Dialog open onClose={onClose} title={t("inboxes.add")} text={t("inboxes.add_text")}>
      <ul className="flex flex-col gap-2">
        {channels.map((one) => (
          <li key={one.name}>
            <button
              type="button"
              onClick={() => setChannel(one)}
              className="flex w-full items-center gap-3 rounded-xl border border-line p-3 text-start hover:border-accent hover:bg-raise"
            >
              <ChannelBadge name={one.name} size={36} />
              <span className="min-w-0 flex-1">
                <span className="block font-semibold">{one.title}</span>
                <span className="block text-xs text-mute">{one.description}</span>
              </span>
              <ChevronRight size={17} className="text-mute rtl:-scale-x-100" aria-hidden />
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

export function Inboxes() {
  const inboxes = useRows("inboxes");
  const admin = useMay("inboxes:write");
  const [adding, setAdding] = useState(false);
  const add = admin && (
    <Button tone="primary" icon={Plus} onClick={() => setAdding(true)}>
      {t("inboxes.add")}
    </Button>
  );
  return (
    <Page title={t("settings.inboxes")} text={t("inboxes.text")} narrow actions={add}>
      {inboxes.length === 0 ? (
        <Empty icon={InboxIcon} title={t("nothing.no_inbox")} text={t("nothing.no_inbox_text")} />
      ) : (
        <ul className="flex flex-col gap-3">
          {inboxes.map((inbox) => (
            <InboxCard key={inbox.id} inbox={inbox} admin={admin} />
          ))}
        </ul>
      )}
      {adding && <Connect onClose={() => setAdding(false)} />}
    </Page>
  );
}
