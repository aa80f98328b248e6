import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import { keyParts } from "@/actions/keys";
import { classes } from "@/lib/text";
import { Check, type LucideIcon } from "./icons";

interface MenuProps {
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "end";
  side?: "top" | "bottom" | "right";
  className?: string;
}

export const MENU =
  "pop z-50 min-w-52 max-w-[min(24rem,calc(100vw-1rem))] overflow-y-auto rounded-xl bg-panel p-1 shadow-pop border border-line";

export function Menu({ trigger, children, align = "start", side = "bottom", className }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align={align}
          side={side}
          sideOffset={5}
          collisionPadding={8}
          className={classes(MENU, "max-h-(--radix-dropdown-menu-content-available-height)", className)}
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface ItemProps {
  icon?: LucideIcon;
  keys?: string | undefined;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

const ITEM =
  "flex min-h-8 cursor-pointer items-center gap-2.5 rounded-lg px-2.5 py-1.5 text-sm outline-none select-none data-disabled:cursor-default data-disabled:text-mute data-highlighted:bg-hover";

export function MenuItem({ icon: Icon, keys, danger, disabled, onSelect, children }: ItemProps) {
  return (
    <DropdownMenu.Item disabled={disabled ?? false} onSelect={onSelect} className={classes(ITEM, danger && "text-bad")}>
      {Icon && <Icon size={15} className={danger ? "" : "text-mute"} aria-hidden />}
      <span className="min-w-0 flex-1">{children}</span>
      {keys && <Keys keys={keys} />}
    </DropdownMenu.Item>
  );
}

interface ChoiceProps {
  checked: boolean;
  onSelect: () => void;
  children: ReactNode;
}

/** One of several; shows a tick. */
export function MenuChoice({ checked, onSelect, children }: ChoiceProps) {
  return (
    <DropdownMenu.CheckboxItem checked={checked} onSelect={onSelect} className={ITEM}>
      <span className="min-w-0 flex-1">{children}</span>
      <DropdownMenu.ItemIndicator>
        <Check size={15} className="text-accent" aria-hidden />
      </DropdownMenu.ItemIndicator>
    </DropdownMenu.CheckboxItem>
  );
}

export const MenuLabel = ({ children }: { children: ReactNode }) => (
  <DropdownMenu.Label className="px-2.5 pt-2 pb-1 text-2xs font-semibold text-mute">{children}</DropdownMenu.Label>
);
export const MenuLine = () => <DropdownMenu.Separator className="mx-1 my-1 h-px bg-line" />;

export const Keys = ({ keys }: { keys: string }) => (
  <span className="flex shrink-0 gap-0.5 text-mute" aria-hidden>
    {keyParts(keys).map((part, index) => (
      <kbd
        key={index}
        className="min-w-5 rounded border border-line bg-raise px-1 text-center font-sans text-[10px] leading-[18px]"
      >
        {part}
      </kbd>
    ))}
  </span>
);
