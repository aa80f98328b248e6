import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { IconButton } from "./Button";
import { X } from "./icons";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** One sentence under the title. */
  text?: string;
  wide?: boolean;
  children: ReactNode;
}

export function Dialog({ open, onClose, title, text, wide, children }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            // A field that asks for the focus has it by now; else the dialog itself takes it, not its close button.
            event.preventDefault();
            const content = event.currentTarget as HTMLElement;
            if (!content.contains(document.activeElement)) content.focus();
          }}
          className={classes(
            "pop fixed inset-x-0 top-[max(4vh,1rem)] z-40 mx-auto flex max-h-[92dvh] w-[calc(100%-1.5rem)] flex-col overflow-hidden rounded-2xl bg-panel shadow-pop outline-none sm:top-[10vh] sm:max-h-[80dvh]",
            wide ? "max-w-2xl" : "max-w-lg",
          )}
        >
          <div className="flex items-start gap-3 px-5 pt-4 pb-3">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
              {text && <p className="mt-0.5 text-mute">{text}</p>}
            </div>
            <IconButton label={t("close")} icon={X} onClick={onClose} className="-me-2" />
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-5">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export const DialogActions = ({ children }: { children: ReactNode }) => (
  <div className="mt-5 flex flex-wrap items-center justify-end gap-2">{children}</div>
);
