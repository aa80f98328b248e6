import { useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { useRows } from "@/sync/store";
import { Avatar } from "@/ui/bits";

interface TextBoxProps {
  box: RefObject<HTMLTextAreaElement | null>;
  label: string;
  placeholder: string;
  value: string;
  mentions: boolean;
  note: boolean;
  onChange: (text: string) => void;
  onKeyDown: (event: KeyboardEvent<HTMLTextAreaElement>) => void;
  onFiles: (files: readonly File[]) => void;
  onBlur: () => void;
}

const LINE_PX = 21;
const MAX_LINES = 12;

/** A text field that grows with its text, takes pasted files, and offers names after "@" in comments. */
export function TextBox({
  box,
  label,
  placeholder,
  value,
  mentions,
  note,
  onChange,
  onKeyDown,
  onFiles,
  onBlur,
}: TextBoxProps) {
  const users = useRows("users");
  const [word, setWord] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const caret = useRef<number | null>(null);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, MAX_LINES * LINE_PX + 20)}px`;
    if (caret.current !== null) {
      element.setSelectionRange(caret.current, caret.current);
      caret.current = null;
    }
  }, [value, box]);

  const found = useMemo(() => {
    if (word === null || !mentions) return [];
    const wanted = word.toLocaleLowerCase();
    return users
      .filter(
        (user) =>
          user.active &&
          user.name
            .toLocaleLowerCase()
            .split(" ")
            .some((part) => part.startsWith(wanted)),
      )
      .slice(0, 6);
  }, [word, mentions, users]);
  useEffect(() => setActive(0), [word]);

  const look = (element: HTMLTextAreaElement) => {
    const before = element.value.slice(0, element.selectionStart);
    setWord(/(?:^|\s)@([\p{L}\p{N}]*)$/u.exec(before)?.[1] ?? null);
  };
  const pick = (name: string) => {
    const element = box.current;
    if (!element || word === null) return;
    const at = element.selectionStart;
    const start = at - word.length - 1;
    caret.current = start + name.length + 2;
    onChange(`${value.slice(0, start)}@${name} ${value.slice(at)}`);
    setWord(null);
    element.focus();
  };

  const keys = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (found.length > 0 && !event.ctrlKey && !event.metaKey) {
      if (step) {
        event.preventDefault();
        return setActive((active + step + found.length) % found.length);
      }
      if (event.key === "Enter" || event.key === "Tab") {
        event.preventDefault();
        return pick(found[active]?.name ?? "");
      }
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        return setWord(null);
      }
    }
    onKeyDown(event);
  };

  return (
    <div className="relative">
      {found.length > 0 && (
        <ul
          id="mention-list"
          role="listbox"
          aria-label={t("mention")}
          className="pop absolute start-2 bottom-full z-20 mb-1 w-64 rounded-xl border border-line bg-panel p-1 text-ink shadow-pop"
        >
          {found.map((user, index) => (
            <li
              key={user.id}
              id={`mention-${index}`}
              role="option"
              aria-selected={index === active}
              onPointerDown={(event) => {
                event.preventDefault();
                pick(user.name);
              }}
              className={classes(
                "flex cursor-pointer items-center gap-2 rounded-lg px-2 py-1.5",
                index === active && "bg-hover",
              )}
            >
              <Avatar name={user.name} size={20} />
              <bdi>{user.name}</bdi>
            </li>
          ))}
        </ul>
      )}
      <textarea
        ref={box}
        dir="auto"
        rows={2}
        data-composer
        aria-label={label}
        aria-autocomplete={mentions ? "list" : undefined}
        aria-controls={found.length > 0 ? "mention-list" : undefined}
        aria-activedescendant={found.length > 0 ? `mention-${active}` : undefined}
        placeholder={placeholder}
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
          look(event.target);
        }}
        onKeyDown={keys}
        onBlur={() => {
          setWord(null);
          onBlur();
        }}
        onPaste={(event) => {
          const files = [...event.clipboardData.files];
          if (files.length === 0) return;
          event.preventDefault();
          onFiles(files);
        }}
        className={classes(
          "block w-full resize-none bg-transparent px-3.5 py-2 text-base outline-none max-sm:text-[16px]",
          note && "placeholder:text-noteink/80",
        )}
      />
    </div>
  );
}
