// Times as people read them. Everything goes through Intl; nothing here knows a language.
import { currentLanguage } from "@/i18n";
import type { Time } from "@/api/types";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();
function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = currentLanguage() + JSON.stringify(options);
  let known = formats.get(key);
  if (!known) formats.set(key, (known = new Intl.DateTimeFormat(locale(), options)));
  return known;
}
/** The person's own regional form of the language of the screen, where the browser names one. */
const locale = (): string => navigator.languages.find((tag) => tag.startsWith(currentLanguage())) ?? currentLanguage();

export const clock = (at: Time | Date): string => format({ hour: "numeric", minute: "2-digit" }).format(new Date(at));
export const fullTime = (at: Time | Date, timeZone?: string): string =>
  format({ dateStyle: "full", timeStyle: "short", timeZone }).format(new Date(at));
export const mediumTime = (at: Time | Date, timeZone?: string): string =>
  format({ weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit", timeZone }).format(
    new Date(at),
  );
export const longDate = (at: Time | Date): string =>
  format({ day: "numeric", month: "short", year: "numeric" }).format(new Date(at));

const dayOf = (at: Date): number => Math.floor((at.getTime() - at.getTimezoneOffset() * MINUTE) / DAY);
export const sameDay = (a: Time, b: Time): boolean => dayOf(new Date(a)) === dayOf(new Date(b));

/** "Today", "Yesterday", a weekday within the last week, else the date. */
export function dayName(at: Time, now = new Date()): string {
  const days = dayOf(now) - dayOf(new Date(at));
  if (days === 0 || days === 1) {
    const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(-days, "day");
    return words.charAt(0).toLocaleUpperCase(locale()) + words.slice(1);
  }
  if (days > 1 && days < 7) return format({ weekday: "long" }).format(new Date(at));
  const thisYear = new Date(at).getFullYear() === now.getFullYear();
  return format({ weekday: "short", day: "numeric", month: "long", ...(thisYear ? {} : { year: "numeric" }) }).format(
    new Date(at),
  );
}

/** For list rows: the clock today, the weekday this week, else the date. */
export function shortTime(at: Time, now = Date.now()): string {
  const date = new Date(at);
  const days = dayOf(new Date(now)) - dayOf(date);
  if (days <= 0) return clock(date);
  if (days < 7) return format({ weekday: "short" }).format(date);
  const thisYear = date.getFullYear() === new Date(now).getFullYear();
  return format(
    thisYear ? { day: "numeric", month: "short" } : { day: "numeric", month: "short", year: "2-digit" },
  ).format(date);
}

/** A duration in its largest unit, narrow: "4m", "3h", "2d". */
export function span(ms: number): string {
  const [value, unit] =
    ms < HOUR
      ? [Math.max(1, Math.floor(ms / MINUTE)), "minute"]
      : ms < DAY
        ? [Math.floor(ms / HOUR), "hour"]
        : [Math.floor(ms / DAY), "day"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit: unit as string, unitDisplay: "narrow" }).format(
    value as number,
  );
}

/** The same in words for screen readers: "4 minutes". */
export function spanInWords(ms: number): string {
  const [value, unit] =
    ms < HOUR
      ? [Math.max(1, Math.floor(ms / MINUTE)), "minute"]
      : ms < DAY
        ? [Math.floor(ms / HOUR), "hour"]
        : [Math.floor(ms / DAY), "day"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit: unit as string, unitDisplay: "long" }).format(
    value as number,
  );
}

/** Hours and minutes of a countdown: "23:14". */
export function countdown(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / MINUTE));
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
export function isZone(zone: string | null | undefined): zone is string {
  if (!zone) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
export const zones = (): string[] => Intl.supportedValuesOf("timeZone");

/** The instant at which it is `wall` ("2030-05-01T09:00") in the zone. Where clocks jump, the later instant. */
export function zonedTime(wall: string, zone: string): Date {
  const asUtc = Date.parse(`${wall}:00Z`);
  const first = asUtc - offset(asUtc, zone);
  return new Date(asUtc - offset(first, zone));
}

/** Wall-clock text of an instant in the zone, for `<input type="datetime-local">`. */
export function wallClock(at: Date, zone: string): string {
  return new Date(at.getTime() + offset(at.getTime(), zone)).toISOString().slice(0, 16);
}

/** What the zone's clocks show minus UTC at that instant, in milliseconds. */
function offset(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  }).formatToParts(at);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const wall = Date.UTC(value("year"), value("month") - 1, value("day"), value("hour"), value("minute"));
  return wall - Math.floor(at / MINUTE) * MINUTE;
}

export interface Preset {
  id: "later" | "tomorrow" | "monday" | "week";
  at: Date;
}

/** The usual answers to "when?", in the given zone. */
export function presets(zone: string, now = new Date()): Preset[] {
  const today = wallClock(now, zone).slice(0, 10);
  const plus = (days: number) => new Date(Date.parse(`${today}T00:00Z`) + days * DAY).toISOString().slice(0, 10);
  const weekday = new Date(`${today}T00:00Z`).getUTCDay();
  const untilMonday = (8 - weekday) % 7 || 7;
  const later = new Date(Math.ceil((now.getTime() + 3 * HOUR) / (15 * MINUTE)) * 15 * MINUTE);
  const morning = (days: number) => zonedTime(`${plus(days)}T09:00`, zone);
  return [
    { id: "later", at: later },
    { id: "tomorrow", at: morning(1) },
    // On a Sunday, tomorrow is Monday.
    ...(untilMonday > 1 ? [{ id: "monday" as const, at: morning(untilMonday) }] : []),
    { id: "week", at: morning(7) },
  ];
}
