import { sentence } from "@/api/http";
import type { Preferences } from "@/api/types";
import { setTheme, theme, type Theme } from "@/actions/screen";
import { changeMe } from "@/api/workspace";
import { t, type Key } from "@/i18n";
import { classes } from "@/lib/text";
import { store, useMe } from "@/sync/store";
import { Switch } from "@/ui/Field";
import { Laptop, Moon, Sun, type LucideIcon } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { toast } from "@/ui/toasts";

const THEMES: readonly [Theme, Key, LucideIcon][] = [
  ["system", "theme.system", Laptop],
  ["light", "theme.light", Sun],
  ["dark", "theme.dark", Moon],
];

/** How the app looks and listens, kept with the person rather than the browser. */
export function Appearance() {
  const me = useMe();
  const chosen = theme.use();
  const preferences = me.user.preferences ?? {};
  const save = async (part: Preferences) => {
    const next = { ...preferences, ...part };
    store.setMe({ ...me, user: { ...me.user, preferences: next } });
    try {
      await changeMe({ preferences: next });
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const paint = (name: Theme) => {
    setTheme(name);
    void save({ theme: name });
  };
  return (
    <Page title={t("settings.appearance")} narrow>
      <div className="flex flex-col gap-6 rounded-2xl border border-line bg-panel p-5">
        <fieldset>
          <legend className="mb-2 font-medium">{t("theme")}</legend>
          <div className="grid grid-cols-3 gap-2">
            {THEMES.map(([name, title, Icon]) => (
              <label
                key={name}
                className={classes(
                  "flex cursor-pointer flex-col items-center gap-2 rounded-xl border p-4 has-focus-visible:outline-2 has-focus-visible:outline-accent",
                  chosen === name ? "border-accent bg-sel text-accent" : "border-line hover:bg-hover",
                )}
              >
                <input
                  type="radio"
                  name="theme"
                  className="sr-only"
                  checked={chosen === name}
                  onChange={() => paint(name)}
                />
                <Icon size={20} aria-hidden />
                {t(title)}
              </label>
            ))}
          </div>
        </fieldset>
        <Switch
          label={t("prefs.single_keys")}
          help={t("prefs.single_keys_help")}
          checked={preferences.single_keys !== false}
          onChange={(on) => void save({ single_keys: on })}
        />
        <Switch
          label={t("prefs.enter_sends")}
          help={t("prefs.enter_sends_help")}
          checked={preferences.enter_sends === true}
          onChange={(on) => void save({ enter_sends: on })}
        />
      </div>
    </Page>
  );
}
