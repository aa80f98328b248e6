// A searchable list in a pop-over: assign, label, tag, mention. One combobox for all of them.
import { useId, useMemo, useState, type KeyboardEvent, type ReactNode } from "react";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { Check, Plus } from "./icons";

export interface Option {
  id: string;
  text: string;
  icon?: ReactNode;
  hint?: string;
  checked?: boolean;
}

interface PickerProps {
  label: string;
  options: readonly Option[];
  onPick: (id: string) => void;
  /** Offered when the typed text is not the name of an option. */
  onCreate?: ((text: string) => void) | undefined;
  footer?: ReactNode;
}

const plain = (text: string) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

export function Picker({ label, options, onPick, onCreate, footer }: PickerProps) {
  const id = useId();
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const found = useMemo(() => {
    const wanted = plain(text.trim());
    return wanted ? options.filter((option) => plain(option.text).includes(wanted)) : options;
  }, [options, text]);
  const creates =
    onCreate && text.trim() !== "" && !options.some((option) => plain(option.text) === plain(text.trim()));
  const count = found.length + (creates ? 1 : 0);

  const choose = (index: number) => {
    const option = found[index];
    if (option) onPick(option.id);
    else if (creates) onCreate(text.trim());
    if (creates && !option) setText("");
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && count > 0) {
      event.preventDefault();
      const next = (active + step + count) % count;
      setActive(next);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(active);
    }
  };

  return (
    <div className="flex w-64 flex-col">
      <input
        autoFocus
        role="combobox"
        aria-label={label}
        aria-expanded
        aria-controls={`${id}-list`}
        aria-activedescendant={count > 0 ? `${id}-${active}` : undefined}
        placeholder={label}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
        className="mx-1 mt-1 mb-1.5 h-8 rounded-lg bg-raise px-2.5 text-sm outline-none"
      />
      <div id={`${id}-list`} role="listbox" aria-label={label} className="max-h-64 overflow-y-auto">
        {found.map((option, index) => (
          <div
            key={option.id}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            aria-checked={option.checked ?? false}
            onPointerMove={() => setActive(index)}
            onClick={() => choose(index)}
            className={classes(
              "flex min-h-8 cursor-pointer items-center gap-2 rounded-lg px-2.5 py-1.5",
              index === active && "bg-hover",
            )}
          >
            {option.icon}
            <span dir="auto" className="min-w-0 flex-1 truncate">
              {option.text}
            </span>
            {option.hint && <span className="text-xs text-mute">{option.hint}</span>}
            {option.checked && <Check size={15} className="text-accent" aria-hidden />}
          </div>
        ))}
        {creates && (
          <div
            id={`${id}-${found.length}`}
            role="option"
            tabIndex={-1}
            aria-selected={active === found.length}
            onPointerMove={() => setActive(found.length)}
            onClick={() => choose(found.length)}
            className={classes(
              "flex min-h-8 cursor-pointer items-center gap-2 rounded-lg px-2.5 py-1.5",
              active === found.length && "bg-hover",
            )}
          >
            <Plus size={15} className="text-mute" aria-hidden />
            {t("create.named", { name: text.trim() })}
          </div>
        )}
        {count === 0 && <p className="px-2.5 py-3 text-center text-mute">{t("nothing_found")}</p>}
      </div>
      {footer}
    </div>
  );
}
