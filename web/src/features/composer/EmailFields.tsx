import { useState } from "react";
import type { Capabilities, Route } from "@/api/types";
import { t } from "@/i18n";
import type { Draft } from "./drafts";

interface LineProps {
  label: string;
  value: string;
  onChange?: (text: string) => void;
  autoFocus?: boolean;
  children?: React.ReactNode;
}

function Line({ label, value, onChange, autoFocus, children }: LineProps) {
  return (
    <label className="flex min-h-8 items-center gap-2 border-b border-line px-3.5 text-sm">
      <span className="w-14 shrink-0 text-xs text-mute">{label}</span>
      {onChange ? (
        <input
          dir="auto"
          autoFocus={autoFocus}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className="h-8 min-w-0 flex-1 bg-transparent outline-none max-sm:text-[16px]"
        />
      ) : (
        <bdi className="min-w-0 flex-1 truncate">{value}</bdi>
      )}
      {children}
    </label>
  );
}

interface EmailFieldsProps {
  can: Capabilities;
  route: Route;
  draft: Draft;
  subject: string;
  onChange: (change: Partial<Draft>) => void;
}

/** The lines above the text, for channels that have a subject and copies. */
export function EmailFields({ can, route, draft, subject, onChange }: EmailFieldsProps) {
  const [copies, setCopies] = useState(draft.cc !== "" || draft.bcc !== "");
  return (
    <div>
      <Line label={t("email.to_label")} value={route.point.display}>
        {can.copies && !copies && (
          <button
            type="button"
            onClick={() => setCopies(true)}
            className="rounded px-1.5 py-1 text-xs text-mute hover:text-ink"
          >
            {t("email.add_copies")}
          </button>
        )}
      </Line>
      {copies && (
        <>
          <Line label={t("email.cc")} value={draft.cc} onChange={(cc) => onChange({ cc })} autoFocus />
          <Line label={t("email.bcc")} value={draft.bcc} onChange={(bcc) => onChange({ bcc })} />
        </>
      )}
      {can.subject && (
        <Line
          label={t("email.subject")}
          value={draft.subject ?? subject}
          onChange={(text) => onChange({ subject: text })}
        />
      )}
    </div>
  );
}
