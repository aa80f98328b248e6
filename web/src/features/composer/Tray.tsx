import type { StoredFile } from "@/api/types";
import { t } from "@/i18n";
import { classes, fileSize } from "@/lib/text";
import { FileIcon, LoaderCircle, TriangleAlert, X, type LucideIcon } from "@/ui/icons";
import type { Upload } from "./useUploads";

interface PieceProps {
  name: string;
  note: string;
  icon: LucideIcon;
  spinning?: boolean;
  bad?: boolean;
  onRemove: () => void;
}

function Piece({ name, note, icon: Icon, spinning, bad, onRemove }: PieceProps) {
  return (
    <li
      className={classes(
        "flex max-w-56 items-center gap-2 rounded-lg border bg-panel py-1 ps-2 pe-1 text-xs text-ink",
        bad ? "border-bad" : "border-line",
      )}
    >
      <Icon
        size={15}
        aria-hidden
        className={classes("shrink-0", bad ? "text-bad" : "text-mute", spinning && "animate-spin")}
      />
      <span className="min-w-0">
        <bdi className="block truncate">{name}</bdi>
        <span className={bad ? "text-bad" : "text-mute"}>{note}</span>
      </span>
      <button
        type="button"
        aria-label={t("remove.named", { name })}
        onClick={onRemove}
        className="grid size-6 shrink-0 place-items-center rounded text-mute hover:text-ink"
      >
        <X size={13} aria-hidden />
      </button>
    </li>
  );
}

interface TrayProps {
  files: readonly StoredFile[];
  uploads: readonly Upload[];
  onRemoveFile: (id: number) => void;
  onRemoveUpload: (key: string) => void;
}

export function Tray({ files, uploads, onRemoveFile, onRemoveUpload }: TrayProps) {
  if (files.length + uploads.length === 0) return null;
  return (
    <ul aria-label={t("attach.list")} className="flex flex-wrap gap-1.5 px-3 pb-2">
      {files.map((file) => (
        <Piece
          key={file.id}
          name={file.name}
          note={fileSize(file.size)}
          icon={FileIcon}
          onRemove={() => onRemoveFile(file.id)}
        />
      ))}
      {uploads.map((upload) => (
        <Piece
          key={upload.key}
          name={upload.file.name}
          note={upload.error ?? t("attach.uploading")}
          icon={upload.error ? TriangleAlert : LoaderCircle}
          spinning={!upload.error}
          bad={upload.error !== null}
          onRemove={() => onRemoveUpload(upload.key)}
        />
      ))}
    </ul>
  );
}
