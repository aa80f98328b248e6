import type { Setting } from "@/api/types";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { Field, INPUT, SelectField, Switch, TextField } from "@/ui/Field";

interface SettingFieldProps {
  setting: Setting;
  value: string | boolean;
  /** A secret is stored already: leaving the field empty keeps it. */
  stored: boolean;
  error: string | undefined;
  onChange: (value: string | boolean) => void;
}

/** A field whose usual value is a colour takes colours. */
const COLOUR = /^#[0-9a-f]{6}$/i;

/** One field of a channel's form. */
export function SettingField({ setting, value, stored, error, onChange }: SettingFieldProps) {
  const help = setting.help || undefined;
  const text = typeof value === "string" ? value : "";
  switch (setting.kind) {
    case "bool":
      return <Switch label={setting.label} help={help} checked={value === true} onChange={onChange} />;
    case "choice":
      return (
        <SelectField
          label={setting.label}
          help={help}
          error={error}
          value={text}
          options={setting.choices}
          onChange={onChange}
        />
      );
    case "textarea":
    case "json":
    case "list":
      return (
        <Field
          label={setting.label}
          help={help ?? (setting.kind === "list" ? t("field.one_per_line") : undefined)}
          error={error}
          required={setting.required}
        >
          {(ids) => (
            <textarea
              {...ids}
              dir="auto"
              rows={3}
              required={setting.required}
              value={text}
              onChange={(event) => onChange(event.target.value)}
              className={setting.kind === "json" ? `${INPUT} font-mono` : INPUT}
            />
          )}
        </Field>
      );
    case "secret":
      return (
        <TextField
          type="password"
          autoComplete="off"
          label={setting.label}
          help={help}
          error={error}
          required={setting.required && !stored}
          placeholder={stored ? t("field.secret_kept") : ""}
          value={text}
          onChange={onChange}
        />
      );
    default:
      if (COLOUR.test(String(setting.default ?? "")))
        return (
          <Field label={setting.label} help={help} error={error} required={setting.required}>
            {(ids) => (
              <div className="flex gap-2">
                <input
                  type="color"
                  aria-label={t("field.pick", { name: setting.label })}
                  value={COLOUR.test(text) ? text : String(setting.default)}
                  onChange={(event) => onChange(event.target.value)}
                  className="h-9 w-12 shrink-0 cursor-pointer rounded-lg border border-line-strong/60 bg-panel p-1"
                />
                <input
                  {...ids}
                  dir="ltr"
                  spellCheck={false}
                  required={setting.required}
                  value={text}
                  onChange={(event) => onChange(event.target.value)}
                  className={classes(INPUT, "h-9 font-mono")}
                />
              </div>
            )}
          </Field>
        );
      return (
        <TextField
          type={setting.kind === "number" ? "number" : "text"}
          label={setting.label}
          help={help}
          error={error}
          required={setting.required}
          value={text}
          onChange={onChange}
        />
      );
  }
}
