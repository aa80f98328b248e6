// Texts by typed key. English is in the first load and the fallback; every other language is a chunk of its own.
import en from "./en.json";

export type Texts = typeof en;
type Plain<K> = K extends `${infer Stem}_one` ? Stem : K extends `${string}_other` ? never : K;
export type Key = Plain<keyof Texts>;
type Params = Record<string, string | number>;

const others = import.meta.glob<{ default: Partial<Texts> }>(["./*.json", "!./en.json"]);
let texts: Partial<Texts> = en;
let language = "en";
let plurals = new Intl.PluralRules("en");

export const languages = (): string[] => ["en", ...Object.keys(others).map((path) => path.slice(2, -5))];
export const currentLanguage = (): string => language;

/** Loads a language; keys it lacks stay English. */
export async function switchLanguage(wanted: string): Promise<void> {
  const name = languages().find((known) => known === wanted.slice(0, 2)) ?? "en";
  texts = name === "en" ? en : ((await others[`./${name}.json`]?.())?.default ?? en);
  language = name;
  plurals = new Intl.PluralRules(name);
  document.documentElement.lang = name;
  document.documentElement.dir = ["ar", "fa", "he", "ur"].includes(name) ? "rtl" : "ltr";
}

const look = (key: string): string | undefined => texts[key as keyof Texts] ?? en[key as keyof Texts];

/** The text of a key. With `count` the plural form of the language is chosen; `{name}` is replaced by the parameter. */
export function t(key: Key, params: Params = {}): string {
  const count = params["count"];
  const form = typeof count === "number" ? look(`${key}_${plurals.select(count)}`) : undefined;
  const text = form ?? look(`${key}_other`) ?? look(key) ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : typeof value === "number" ? value.toLocaleString(language) : value;
  });
}

/** The text of a key that comes from data, or the fallback where no such key exists. */
export const maybe = (key: string, fallback: string, params: Params = {}): string =>
  look(key) === undefined ? fallback : t(key as Key, params);
