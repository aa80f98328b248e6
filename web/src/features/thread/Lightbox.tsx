import { Dialog } from "radix-ui";
import { useEffect, useState, type KeyboardEvent } from "react";
import type { StoredFile } from "@/api/types";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { ArrowLeft, Download, X } from "@/ui/icons";

interface LightboxProps {
  files: readonly StoredFile[];
  at: number;
  onMove: (at: number) => void;
  onClose: () => void;
}

const BUTTON = "grid size-10 place-items-center rounded-full bg-ink/70 text-bg hover:bg-ink";
const STEPS = [1, 2, 3.5, 5];

/** A picture alone on the screen. Click or + and − zoom, arrows move between pictures. */
export function Lightbox({ files, at, onMove, onClose }: LightboxProps) {
  const [zoom, setZoom] = useState(0);
  const file = files[at];
  useEffect(() => setZoom(0), [at]);
  if (!file) return null;
  const move = (by: number) => onMove((at + by + files.length) % files.length);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowRight") move(1);
    else if (event.key === "ArrowLeft") move(-1);
    else if (event.key === "+") setZoom(Math.min(STEPS.length - 1, zoom + 1));
    else if (event.key === "-") setZoom(Math.max(0, zoom - 1));
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-50 bg-scrim backdrop-blur-sm" />
        <Dialog.Content
          aria-describedby={undefined}
          onKeyDown={onKeyDown}
          className="fixed inset-0 z-50 flex flex-col outline-none"
        >
          <div className="flex items-center gap-2 p-3">
            <Dialog.Title className="me-auto min-w-0 truncate rounded-full bg-ink/70 px-4 py-2 text-sm text-bg">
              <bdi>{file.name}</bdi>
              {files.length > 1 && ` · ${at + 1}/${files.length}`}
            </Dialog.Title>
            <a href={file.url ?? ""} download={file.name} aria-label={t("file.download")} className={BUTTON}>
              <Download size={18} aria-hidden />
            </a>
            <Dialog.Close aria-label={t("close")} className={BUTTON}>
              <X size={18} aria-hidden />
            </Dialog.Close>
          </div>
          <div className="grid min-h-0 flex-1 place-items-center overflow-auto p-4">
            <button
              type="button"
              aria-label={t("file.zoom")}
              onClick={() => setZoom((zoom + 1) % STEPS.length)}
              className={zoom === STEPS.length - 1 ? "cursor-zoom-out" : "cursor-zoom-in"}
            >
              <img
                src={file.url ?? ""}
                alt={file.name}
                style={{ transform: `scale(${STEPS[zoom]})` }}
                className="max-h-[80vh] max-w-full origin-center rounded-lg transition-transform"
              />
            </button>
          </div>
          {files.length > 1 && (
            <div className="flex justify-center gap-3 p-4">
              <button type="button" aria-label={t("file.previous")} onClick={() => move(-1)} className={BUTTON}>
                <ArrowLeft size={18} className="rtl:-scale-x-100" aria-hidden />
              </button>
              <button
                type="button"
                aria-label={t("file.next")}
                onClick={() => move(1)}
                className={classes(BUTTON, "-scale-x-100 rtl:scale-x-100")}
              >
                <ArrowLeft size={18} aria-hidden />
              </button>
            </div>
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
