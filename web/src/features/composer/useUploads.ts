import { useCallback, useRef, useState } from "react";
import { sentence } from "@/api/http";
import { uploadFile } from "@/api/messages";
import type { Capabilities, StoredFile } from "@/api/types";
import { t } from "@/i18n";
import { fileSize } from "@/lib/text";
import { toast } from "@/ui/toasts";

export interface Upload {
  key: string;
  file: File;
  error: string | null;
}

const accepts = (can: Capabilities | undefined, file: File): boolean =>
  !can ||
  can.attachment_types.length === 0 ||
  can.attachment_types.some(
    (pattern) =>
      pattern === "*/*" ||
      pattern === file.type ||
      (pattern.endsWith("/*") && file.type.startsWith(pattern.slice(0, -1))),
  );

/** Why the file cannot go this way; null if it can. */
export function whyNotFile(can: Capabilities | undefined, file: File): string | null {
  if (can && !can.attachments) return t("attach.none");
  if (!accepts(can, file)) return t("attach.type", { name: file.name });
  if (can && file.size > can.max_attachment_bytes)
    return t("attach.size", { name: file.name, size: fileSize(can.max_attachment_bytes) });
  return null;
}

/** Uploads files as soon as they are chosen; `onReady` gets each when the server has it. */
export function useUploads(can: Capabilities | undefined, onReady: (file: StoredFile) => void) {
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const aborts = useRef(new Map<string, AbortController>());
  const ready = useRef(onReady);
  ready.current = onReady;

  const drop = useCallback((key: string) => {
    aborts.current.get(key)?.abort();
    setUploads((all) => all.filter((upload) => upload.key !== key));
  }, []);

  const start = useCallback(async (key: string, file: File) => {
    const abort = new AbortController();
    aborts.current.set(key, abort);
    try {
      ready.current(await uploadFile(file, abort.signal));
      setUploads((all) => all.filter((upload) => upload.key !== key));
    } catch (error) {
      if (!abort.signal.aborted)
        setUploads((all) => all.map((upload) => (upload.key === key ? { ...upload, error: sentence(error) } : upload)));
    }
  }, []);

  const add = useCallback(
    (files: readonly File[]) => {
      for (const file of files) {
        const why = whyNotFile(can, file);
        if (why) {
          toast({ text: why, tone: "bad" });
          continue;
        }
        const key = crypto.randomUUID();
        setUploads((all) => [...all, { key, file, error: null }]);
        void start(key, file);
      }
    },
    [can, start],
  );

  return { uploads, add, drop, busy: uploads.some((upload) => upload.error === null) };
}
