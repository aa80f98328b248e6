import type { ReactNode } from "react";
import { classes } from "@/lib/text";

interface PageProps {
  title: string;
  text?: string;
  hideTitle?: boolean;
  narrow?: boolean;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page of its own beside the rail. */
export function Page({ title, text, hideTitle, narrow, actions, children }: PageProps) {
  // Reachable by Tab, so that arrow keys scroll pages without anything to press on.
  return (
    <main id="main" tabIndex={0} className="min-w-0 flex-1 overflow-y-auto bg-bg outline-none">
      <div className={classes("mx-auto px-4 pt-6 pb-16 sm:px-8", narrow ? "max-w-2xl" : "max-w-5xl")}>
        <header className="mb-5 flex flex-wrap items-center gap-x-3 gap-y-2">
          <div className={classes("min-w-0", !hideTitle && "flex-1")}>
            <h1 className={hideTitle ? "sr-only" : "text-xl font-semibold tracking-tight"}>{title}</h1>
            {text && <p className="mt-0.5 max-w-2xl text-mute">{text}</p>}
          </div>
          <div className={classes("flex items-center gap-2", hideTitle && "w-full")}>{actions}</div>
        </header>
        {children}
      </div>
    </main>
  );
}
