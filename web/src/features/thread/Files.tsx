import type { StoredFile } from "@/api/types";
import { t } from "@/i18n";
import { classes, fileSize } from "@/lib/text";
import { Download, FileIcon, LoaderCircle, TriangleAlert } from "@/ui/icons";
import type { OnImage } from "./MessageItem";

const isReady = (file: StoredFile): boolean => file.url !== null && (file.state ?? "ready") === "ready";
const isImage = (file: StoredFile): boolean =>
  isReady(file) && /^image\/(png|jpe?g|gif|webp|avif)$/.test(file.content_type);
const isAudio = (file: StoredFile): boolean => isReady(file) && file.content_type.startsWith("audio/");
const isVideo = (file: StoredFile): boolean => isReady(file) && file.content_type.startsWith("video/");

function Document({ file }: { file: StoredFile }) {
  const failed = file.state === "failed";
  const fetching = file.state === "fetching";
  const Icon = failed ? TriangleAlert : fetching ? LoaderCircle : FileIcon;
  const inner = (
    <>
      <span className="grid size-9 shrink-0 place-items-center rounded-lg bg-raise text-mute">
        <Icon size={17} aria-hidden className={fetching ? "animate-spin" : ""} />
      </span>
      <span className="min-w-0 flex-1 text-start">
        <bdi className="block truncate font-medium">{file.name}</bdi>
        <span className={classes("block text-2xs", failed ? "text-bad" : "text-mute")}>
          {failed ? t("file.failed") : fetching ? t("file.fetching") : fileSize(file.size)}
        </span>
      </span>
    </>
  );
  const box = "flex w-64 max-w-full items-center gap-2.5 rounded-xl border border-line bg-panel p-2 text-sm text-ink";
  if (!isReady(file)) return <div className={box}>{inner}</div>;
  return (
    <a href={file.url ?? ""} download={file.name} className={classes(box, "hover:bg-hover")}>
      {inner}
      <Download size={15} className="me-1 text-mute" aria-label={t("file.download")} />
    </a>
  );
}

/* eslint-disable jsx-a11y/media-has-caption -- what contacts send has no captions */
export function Files({ files, onImage, end }: { files: readonly StoredFile[]; onImage: OnImage; end?: boolean }) {
  if (files.length === 0) return null;
  const images = files.filter(isImage);
  const rest = files.filter((file) => !isImage(file));
  return (
    <div className={classes("mt-1.5 flex flex-wrap items-start gap-1.5", end && "justify-end")}>
      {images.map((file, index) => (
        <button
          key={file.id}
          type="button"
          onClick={() => onImage(images, index)}
          aria-label={t("file.open", { name: file.name })}
          className="overflow-hidden rounded-xl border border-line"
        >
          <img
            src={file.url ?? ""}
            alt=""
            loading="lazy"
            className={classes(
              "block bg-raise object-cover",
              images.length === 1 ? "h-44 w-64 max-w-full" : "h-28 w-36",
            )}
          />
        </button>
      ))}
      {rest.map((file) =>
        isAudio(file) ? (
          <audio
            key={file.id}
            controls
            preload="none"
            src={file.url ?? ""}
            aria-label={file.name}
            className="h-10 max-w-full"
          />
        ) : isVideo(file) ? (
          <video
            key={file.id}
            controls
            preload="metadata"
            src={file.url ?? ""}
            aria-label={file.name}
            className="max-h-72 max-w-full rounded-xl"
          />
        ) : (
          <Document key={file.id} file={file} />
        ),
      )}
    </div>
  );
}
