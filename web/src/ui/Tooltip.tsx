import { Tooltip } from "radix-ui";
import type { ReactNode } from "react";
import { keyParts } from "@/actions/keys";

interface TipProps {
  text: string;
  keys?: string | undefined;
  side?: "top" | "bottom" | "right" | "left" | undefined;
  children: ReactNode;
}

export function Tip({ text, keys, side = "bottom", children }: TipProps) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          side={side}
          sideOffset={5}
          collisionPadding={8}
          className="pop z-50 flex max-w-72 items-center gap-2 rounded-md bg-ink px-2 py-1 text-xs text-bg shadow-pop"
        >
          {text}
          {keys && (
            <span className="flex gap-0.5 opacity-75" aria-hidden>
              {keyParts(keys).map((part, index) => (
                <kbd key={index} className="rounded border border-current px-1 font-sans text-[10px] leading-4">
                  {part}
                </kbd>
              ))}
            </span>
          )}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

export const TipProvider = ({ children }: { children: ReactNode }) => (
  <Tooltip.Provider delayDuration={450} skipDelayDuration={200}>
    {children}
  </Tooltip.Provider>
);
