// What is being written, per conversation and mode: at once in this browser, a little later on the server.
import { useCallback, useEffect, useRef, useState } from "react";
import { readDrafts, saveDraft } from "@/api/conversations";
import type { DraftBody, DraftMode, Id, StoredFile } from "@/api/types";
import { store } from "@/sync/store";

export interface Draft {
  text: string;
  /** The same, formatted; null while it is plain text. */
  html: string | null;
  subject: string | null;
  cc: string;
  bcc: string;
  files: StoredFile[];
}
export const EMPTY: Draft = { text: "", html: null, subject: null, cc: "", bcc: "", files: [] };

const LOCAL_MS = 300;
const SERVER_MS = 2_000;

const name = (id: Id, mode: DraftMode) => `frontdesk.draft.${id}.${mode}`;
const isEmpty = (draft: Draft) => draft.text === "" && draft.files.length === 0;

export const addresses = (text: string): string[] =>
  text
    .split(/[,;\s]+/)
    .map((one) => one.trim())
    .filter(Boolean);

function readLocal(id: Id, mode: DraftMode): Draft | null {
  try {
    const text = localStorage.getItem(name(id, mode));
    return text ? { ...EMPTY, ...(JSON.parse(text) as Partial<Draft>) } : null;
  } catch {
    return null;
  }
}

function writeLocal(id: Id, mode: DraftMode, draft: Draft): void {
  try {
    if (isEmpty(draft)) localStorage.removeItem(name(id, mode));
    else localStorage.setItem(name(id, mode), JSON.stringify(draft));
  } catch {
    // No room in this browser: the server keeps it.
  }
}

const toBody = (draft: Draft): DraftBody => ({
  text: draft.text,
  ...(draft.html !== null && { html: draft.html }),
  ...(draft.subject !== null && { subject: draft.subject }),
  ...(draft.cc && { cc: addresses(draft.cc) }),
  ...(draft.bcc && { bcc: addresses(draft.bcc) }),
});
const fromBody = (body: DraftBody): Draft => ({
  text: body.text,
  html: body.html ?? null,
  subject: body.subject ?? null,
  cc: (body.cc ?? []).join(", "),
  bcc: (body.bcc ?? []).join(", "),
  files: [],
});

/** Shows the beginning of the draft in the list at once. */
function showInList(id: Id, draft: Draft): void {
  const row = store.row("conversations", id);
  if (!row?.my || row.my.draft === (draft.text || null)) return;
  store.put("conversations", { ...row, my: { ...row.my, draft: draft.text.slice(0, 120) || null } });
}

export function useDraft(id: Id, mode: DraftMode): [Draft, (change: Partial<Draft>) => void, () => void] {
  const [draft, setDraft] = useState<Draft>(() => readLocal(id, mode) ?? EMPTY);
  const latest = useRef(draft);
  const local = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const remote = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const push = useCallback(() => {
    clearTimeout(remote.current);
    remote.current = undefined;
    saveDraft(id, mode, toBody(latest.current)).catch(() => undefined);
  }, [id, mode]);

  useEffect(() => {
    if (!isEmpty(latest.current)) return;
    let wanted = true;
    const known = store.row("conversations", id)?.my?.draft;
    if (known) {
      readDrafts(id)
        .then((all) => {
          const found = all.find((one) => one.mode === mode);
          if (!wanted || !found || !isEmpty(latest.current)) return;
          latest.current = fromBody(found.body);
          setDraft(latest.current);
        })
        .catch(() => undefined);
    }
    return () => {
      wanted = false;
    };
  }, [id, mode]);

  useEffect(
    () => () => {
      if (local.current) writeLocal(id, mode, latest.current);
      if (remote.current) push();
      clearTimeout(local.current);
      if (mode === "reply") showInList(id, latest.current);
    },
    [id, mode, push],
  );

  const change = useCallback(
    (part: Partial<Draft>) => {
      latest.current = { ...latest.current, ...part };
      setDraft(latest.current);
      clearTimeout(local.current);
      local.current = setTimeout(() => writeLocal(id, mode, latest.current), LOCAL_MS);
      clearTimeout(remote.current);
      remote.current = setTimeout(push, SERVER_MS);
    },
    [id, mode, push],
  );

  const clear = useCallback(() => {
    clearTimeout(local.current);
    local.current = undefined;
    latest.current = EMPTY;
    setDraft(EMPTY);
    writeLocal(id, mode, EMPTY);
    push();
    if (mode === "reply") showInList(id, EMPTY);
  }, [id, mode, push]);

  return [draft, change, clear];
}
