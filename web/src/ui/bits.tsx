import type { ReactNode } from "react";
import { t } from "@/i18n";
import type { Label, Tag } from "@/api/types";
import { classes, hue, initials } from "@/lib/text";
import { Button } from "./Button";
import { LoaderCircle, Tag as TagIcon, UserRound, X, type LucideIcon } from "./icons";

export function Avatar({ name, size = 36 }: { name: string; size?: number }) {
  const style = { width: size, height: size, fontSize: size * 0.36, "--hue": hue(name) } as React.CSSProperties;
  return (
    <span
      aria-hidden
      style={style}
      className="avatar grid shrink-0 place-items-center rounded-full font-semibold select-none"
    >
      {/\p{L}/u.test(name) ? initials(name) : <UserRound size={size * 0.5} />}
    </span>
  );
}

/** A label of a conversation: square, with its colour as a bar. */
export function LabelChip({ label, onRemove }: { label: Label; onRemove?: () => void }) {
  return (
    <span className="inline-flex h-[18px] max-w-36 items-center gap-1 rounded-sm bg-raise ps-1.5 pe-1.5 text-2xs text-ink ring-1 ring-line">
      <i aria-hidden className="size-2 shrink-0 rounded-[2px]" style={{ background: label.colour }} />
      <span dir="auto" className="truncate">
        {label.name}
      </span>
      {onRemove && <ChipRemove label={t("remove.named", { name: label.name })} onRemove={onRemove} />}
    </span>
  );
}

/** A tag of a contact: round, with a tag icon. */
export function TagChip({ tag, onRemove }: { tag: Tag; onRemove?: () => void }) {
  return (
    <span className="inline-flex h-6 max-w-44 items-center gap-1.5 rounded-full bg-raise px-2.5 text-xs text-ink">
      <TagIcon size={11} aria-hidden style={{ color: tag.colour }} fill="currentColor" />
      <span dir="auto" className="truncate">
        {tag.name}
      </span>
      {onRemove && <ChipRemove label={t("remove.named", { name: tag.name })} onRemove={onRemove} />}
    </span>
  );
}

const ChipRemove = ({ label, onRemove }: { label: string; onRemove: () => void }) => (
  <button
    type="button"
    aria-label={label}
    onClick={onRemove}
    className="-me-1 grid size-5 place-items-center rounded text-mute hover:text-ink"
  >
    <X size={11} aria-hidden />
  </button>
);

export const Spinner = ({ label = t("loading") }: { label?: string }) => (
  <span role="status" className="grid place-items-center p-6 text-mute">
    <LoaderCircle size={20} className="animate-spin" aria-hidden />
    <span className="sr-only">{label}</span>
  </span>
);

interface EmptyProps {
  icon: LucideIcon;
  title: string;
  text?: string;
  children?: ReactNode;
  className?: string;
}

export function Empty({ icon: Icon, title, text, children, className }: EmptyProps) {
  return (
    <div className={classes("flex flex-col items-center justify-center px-6 py-10 text-center", className)}>
      <span className="mb-3 grid size-12 place-items-center rounded-2xl bg-raise text-mute">
        <Icon size={22} aria-hidden />
      </span>
      <p className="text-base font-semibold">{title}</p>
      {text && <p className="mt-1 max-w-80 text-mute">{text}</p>}
      {children && <div className="mt-4 flex flex-wrap justify-center gap-2">{children}</div>}
    </div>
  );
}

interface FailureProps {
  text: string;
  onRetry: () => void;
  /** Leads away from what cannot be shown. */
  onLeave?: () => void;
}

export const Failure = ({ text, onRetry, onLeave }: FailureProps) => (
  <div role="alert" className="flex flex-col items-center gap-3 px-6 py-10 text-center text-mute">
    <p>{text}</p>
    <div className="flex gap-2">
      {onLeave && <Button onClick={onLeave}>{t("back")}</Button>}
      <Button onClick={onRetry}>{t("try_again")}</Button>
    </div>
  </div>
);

export const Dot = ({ colour }: { colour: string }) => (
  <i aria-hidden className="size-2 shrink-0 rounded-full" style={{ background: colour }} />
);
