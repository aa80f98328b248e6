import { useEffect, useMemo, useState } from "react";
import { openConversation } from "@/actions/go";
import { finding as finder } from "@/actions/screen";
import type { Id, StoredFile } from "@/api/types";
import { Composer } from "@/features/composer/Composer";
import { t } from "@/i18n";
import { wordsOf } from "@/lib/find";
import { loadBackTo } from "@/sync/load";
import { useRow } from "@/sync/store";
import { Failure } from "@/ui/bits";
import { Announcer } from "./Announcer";
import { FindBar } from "./FindBar";
import { Header } from "./Header";
import { Lightbox } from "./Lightbox";
import { Scheduled } from "./Scheduled";
import { Scroller } from "./Scroller";
import { Typing } from "./Typing";
import { useFinding } from "./useFinding";
import { useReading, useThread } from "./useThread";

const Skeleton = () => (
  <div aria-hidden className="flex flex-1 flex-col justify-end gap-4 overflow-hidden px-5 pb-6">
    <div className="skeleton h-12 w-1/2 rounded-2xl" />
    <div className="skeleton h-10 w-2/5 self-end rounded-2xl" />
    <div className="skeleton h-20 w-3/5 rounded-2xl" />
    <div className="skeleton h-12 w-1/3 self-end rounded-2xl" />
  </div>
);

/** So long a message that somebody came for stands out. */
const STANDS_OUT_MS = 4_000;

/** The message to open the conversation at, once it is there. */
function useTarget(id: Id, at: Id | null, loaded: boolean): Id | null {
  const [target, setTarget] = useState<Id | null>(null);
  useEffect(() => {
    if (at === null || !loaded) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const show = () => {
      if (gone) return;
      setTarget(at);
      timer = setTimeout(() => setTarget(null), STANDS_OUT_MS);
    };
    loadBackTo(id, at).then(show, () => undefined);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [id, at, loaded]);
  return target;
}

interface ThreadProps {
  id: Id;
  /** The message that somebody came for, and the words by which it was found. */
  at: Id | null;
  words: string;
}

export function ThreadPane({ id, at, words }: ThreadProps) {
  const row = useRow("conversations", id);
  const thread = useThread(id);
  const [dropped, setDropped] = useState<readonly File[]>([]);
  const [over, setOver] = useState(false);
  const [image, setImage] = useState<{ files: readonly StoredFile[]; at: number } | null>(null);
  useReading(id, thread.loaded);
  useEffect(() => setOver(false), [dropped]);
  const finds = finder.use();
  const finding = useFinding(id, thread.items, thread.hasOlder);
  const target = useTarget(id, at, thread.loaded);
  const looked = useMemo(() => (at === null ? null : wordsOf(words)), [at, words]);
  const stopFinding = () => {
    finder.set(false);
    finding.setText("");
    document.querySelector<HTMLElement>("[role=log]")?.focus();
  };
  useEffect(() => () => finder.set(false), []);

  if (thread.error && !row)
    return (
      <div className="grid flex-1 place-items-center">
        <Failure text={thread.error} onRetry={thread.retry} onLeave={() => openConversation(null)} />
      </div>
    );
  return (
    <div
      className="relative flex min-h-0 flex-1 flex-col"
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => !event.currentTarget.contains(event.relatedTarget as Node | null) && setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setDropped([...event.dataTransfer.files]);
      }}
    >
      <Header id={id} />
      {finds && <FindBar finding={finding} hasOlder={thread.hasOlder} onClose={stopFinding} />}
      {thread.loaded ? (
        <Scroller
          conversation={id}
          items={thread.items}
          hasOlder={thread.hasOlder}
          found={finds ? finding.here : target}
          pattern={finds ? finding.pattern : looked}
          onImage={(files, at) => setImage({ files, at })}
        />
      ) : thread.error ? (
        <div className="flex-1">
          <Failure text={thread.error} onRetry={thread.retry} />
        </div>
      ) : (
        <Skeleton />
      )}
      <Announcer conversation={id} />
      <Typing conversation={id} />
      <Scheduled messages={thread.waiting} />
      {row && <Composer conversation={row} dropped={dropped} />}
      {over && (
        <div className="pointer-events-none absolute inset-2 z-20 grid place-items-center rounded-2xl border-2 border-dashed border-accent bg-sel/90 text-lg font-semibold text-accent">
          {t("composer.drop")}
        </div>
      )}
      {image && (
        <Lightbox
          files={image.files}
          at={image.at}
          onMove={(at) => setImage({ ...image, at })}
          onClose={() => setImage(null)}
        />
      )}
    </div>
  );
}
