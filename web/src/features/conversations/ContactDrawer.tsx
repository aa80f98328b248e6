import { Dialog } from "radix-ui";
import { drawerOpen } from "@/actions/screen";
import type { Id } from "@/api/types";
import { ContactPanel } from "@/features/contact/ContactPanel";
import { t } from "@/i18n";

/** The contact panel over the thread, where there is no room beside it. */
export function ContactDrawer({ conversation }: { conversation: Id }) {
  const close = () => drawerOpen.set(false);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-30 bg-scrim" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 end-0 z-30 w-80 overflow-y-auto bg-panel shadow-pop outline-none"
        >
          <Dialog.Title className="sr-only">{t("contact")}</Dialog.Title>
          <ContactPanel conversation={conversation} onBack={close} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
