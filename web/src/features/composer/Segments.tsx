import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { countSegments, plainCharacters } from "@/lib/sms";

/** More parts than this start to cost noticeably. */
const MANY = 3;

export function Segments({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const count = countSegments(text);
  const better = count.because === null ? text : plainCharacters(text);
  const helps = better !== text && countSegments(better).segments <= count.segments;
  return (
    <span className="flex items-center gap-2 text-2xs text-mute tabular-nums">
      <span className={classes(count.segments > MANY && "font-semibold text-warn")}>
        {t("segments.count", { units: count.units, count: Math.max(1, count.segments) })}
      </span>
      {count.because !== null && (
        <span>
          {t("segments.because")} <bdi className="rounded bg-raise px-1 font-semibold">{count.because}</bdi>
        </span>
      )}
      {helps && (
        <button type="button" onClick={() => onChange(better)} className="font-semibold text-accent underline">
          {t("segments.plain")}
        </button>
      )}
    </span>
  );
}
