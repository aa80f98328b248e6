import type { ReactNode } from "react";
import { t } from "@/i18n";

/** The card in the middle of the pages before the app: sign-in and set-up. */
export const Sheet = ({
  title,
  text,
  wide,
  children,
}: {
  title: string;
  text?: string;
  wide?: boolean;
  children: ReactNode;
}) => (
  <main className="grid min-h-full place-items-center overflow-y-auto bg-raise px-4 py-10">
    <div className={wide ? "w-full max-w-xl" : "w-full max-w-sm"}>
      <p className="mb-6 flex items-center justify-center gap-2.5 text-lg font-semibold tracking-tight">
        <img src="/favicon.svg" alt="" className="size-9 rounded-xl" />
        {t("app")}
      </p>
      <div className="rounded-2xl border border-line bg-panel p-6 shadow-card sm:p-8">
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {text && <p className="mt-1 text-mute">{text}</p>}
        <div className="mt-6">{children}</div>
      </div>
    </div>
  </main>
);
