import type { KeyboardEvent, PointerEvent } from "react";
import { classes } from "@/lib/text";
import type { Value } from "@/lib/value";

interface SplitterProps {
  label: string;
  width: Value<number>;
  min: number;
  max: number;
  /** 1 when the column stands before the splitter, -1 when behind. */
  direction: 1 | -1;
}

/** The edge between two columns: drag it, or use the arrow keys. */
export function Splitter({ label, width, min, max, direction }: SplitterProps) {
  const now = width.use();
  const set = (next: number) => width.set(Math.round(Math.min(max, Math.max(min, next))));
  const sign = () => (document.documentElement.dir === "rtl" ? -direction : direction);

  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    const target = event.currentTarget;
    const [from, start] = [event.clientX, width.get()];
    target.setPointerCapture(event.pointerId);
    target.onpointermove = (move) => set(start + (move.clientX - from) * sign());
    target.onpointerup = () => (target.onpointermove = null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
    if (step) set(width.get() + step * sign());
  };
  return (
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation="vertical"
      aria-valuenow={now}
      aria-valuemin={min}
      aria-valuemax={max}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
      className={classes(
        "absolute inset-y-0 z-10 w-px cursor-col-resize touch-none bg-line transition-colors after:absolute after:inset-y-0 after:-start-1 after:w-2.5 hover:bg-accent focus-visible:bg-accent max-lg:pointer-events-none",
        direction === 1 ? "end-0" : "start-0",
      )}
    />
  );
}
