import type { ComponentProps, ReactNode } from "react";
import { classes } from "@/lib/text";
import { LoaderCircle, type LucideIcon } from "./icons";
import { Tip } from "./Tooltip";

type Tone = "primary" | "plain" | "quiet" | "danger";

const TONES: Record<Tone, string> = {
  primary: "bg-accent text-accentink hover:bg-accent-hover font-semibold",
  plain: "border border-line bg-panel hover:bg-hover font-medium",
  quiet: "text-mute hover:bg-hover hover:text-ink font-medium",
  danger: "border border-line bg-panel text-bad hover:bg-bad-soft font-medium",
};

interface ButtonProps extends ComponentProps<"button"> {
  tone?: Tone;
  busy?: boolean;
  icon?: LucideIcon;
  small?: boolean;
}

export function Button({
  tone = "plain",
  busy = false,
  icon: Icon,
  small,
  className,
  children,
  disabled,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || busy}
      className={classes(
        "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-lg whitespace-nowrap transition-colors disabled:opacity-55",
        small ? "h-7 px-2.5 text-xs" : "h-9 px-3.5 text-sm",
        TONES[tone],
        className,
      )}
    >
      {busy ? (
        <LoaderCircle size={15} className="animate-spin" aria-hidden />
      ) : (
        Icon && <Icon size={small ? 14 : 16} aria-hidden />
      )}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ComponentProps<"button">, "children"> {
  label: string;
  keys?: string | undefined;
  icon: LucideIcon;
  size?: number;
  active?: boolean;
  /** 24 px, for places with many of them. */
  dense?: boolean;
  /** Takes the text colour of what it stands on. */
  inherit?: boolean;
  side?: "top" | "bottom" | "right" | "left";
  children?: ReactNode;
}

/** A square button with an icon; its label is the accessible name and the tooltip. */
export function IconButton({
  label,
  keys,
  icon: Icon,
  size,
  active,
  dense,
  inherit,
  side,
  className,
  children,
  ...rest
}: IconButtonProps) {
  return (
    <Tip text={label} keys={keys} side={side}>
      <button
        type="button"
        aria-label={label}
        {...rest}
        className={classes(
          "relative grid shrink-0 place-items-center transition-colors disabled:opacity-45",
          dense ? "size-6 rounded-md" : "size-8 rounded-lg pointer-coarse:size-10",
          active ? "bg-sel text-accent" : inherit ? "hover:opacity-75" : "text-mute hover:bg-hover hover:text-ink",
          className,
        )}
      >
        <Icon size={size ?? (dense ? 15 : 17)} aria-hidden />
        {children}
      </button>
    </Tip>
  );
}
