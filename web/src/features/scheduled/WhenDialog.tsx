import { useMemo, useState } from "react";
import { t } from "@/i18n";
import { fullTime, isZone, mediumTime, ownZone, wallClock, zonedTime, zones } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, INPUT, SelectField } from "@/ui/Field";

interface WhenDialogProps {
  zone: string;
  at?: Date;
  onPick: (at: Date) => void;
  onClose: () => void;
}

const HOUR = 3_600_000;

/** A date, a time and the zone they are meant in. */
export function WhenFields({ zone, at, onChange }: { zone: string; at: Date; onChange: (at: Date | null) => void }) {
  const [place, setPlace] = useState(isZone(zone) ? zone : ownZone());
  const [wall, setWall] = useState(() => wallClock(at, place));
  const options = useMemo(
    () =>
      [...new Set([place, zone, ownZone(), ...zones()])]
        .filter(isZone)
        .map((name) => [name, name.replaceAll("_", " ")] as const),
    [place, zone],
  );
  const update = (nextWall: string, nextPlace: string) => {
    setWall(nextWall);
    setPlace(nextPlace);
    onChange(nextWall ? zonedTime(nextWall, nextPlace) : null);
  };
  const instant = wall ? zonedTime(wall, place) : null;
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Field label={t("when.at")}>
        {(ids) => (
          <input
            {...ids}
            type="datetime-local"
            value={wall}
            onChange={(event) => update(event.target.value, place)}
            className={`${INPUT} h-9`}
          />
        )}
      </Field>
      <SelectField label={t("when.zone")} value={place} options={options} onChange={(next) => update(wall, next)} />
      {instant && place !== ownZone() && (
        <p className="text-xs text-mute sm:col-span-2">{t("when.yours", { time: mediumTime(instant) })}</p>
      )}
    </div>
  );
}

export function WhenDialog({ zone, at, onPick, onClose }: WhenDialogProps) {
  const [chosen, setChosen] = useState<Date | null>(() => at ?? new Date(Math.ceil((Date.now() + HOUR) / HOUR) * HOUR));
  const ahead = chosen !== null && chosen.getTime() > Date.now();
  return (
    <Dialog open onClose={onClose} title={t("when.title")}>
      <WhenFields zone={zone} at={chosen ?? new Date()} onChange={setChosen} />
      <p className="mt-3 min-h-5 text-mute">{ahead ? fullTime(chosen) : t("when.past")}</p>
      <DialogActions>
        <Button onClick={onClose}>{t("cancel")}</Button>
        <Button tone="primary" disabled={!ahead} onClick={() => chosen && onPick(chosen)}>
          {t("when.do")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
