import { useState } from "react";
import { t } from "@/i18n";
import { EMOJI } from "./emoji";

export default function EmojiGrid({ onPick }: { onPick: (emoji: string) => void }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = EMOJI.filter(([, words]) => words.includes(wanted));
  return (
    <div className="w-72">
      <input
        autoFocus
        value={text}
        onChange={(event) => setText(event.target.value)}
        aria-label={t("emoji.search")}
        placeholder={t("emoji.search")}
        className="mb-1.5 h-8 w-full rounded-lg bg-raise px-2.5 text-sm outline-none"
      />
      <div className="grid max-h-56 grid-cols-8 overflow-y-auto">
        {found.map(([emoji, words]) => (
          <button
            key={emoji}
            type="button"
            aria-label={words}
            title={words}
            onClick={() => onPick(emoji)}
            className="grid size-8.5 place-items-center rounded-lg text-lg hover:bg-hover"
          >
            {emoji}
          </button>
        ))}
      </div>
      {found.length === 0 && <p className="py-4 text-center text-mute">{t("nothing_found")}</p>}
    </div>
  );
}
