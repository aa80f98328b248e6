import { Switch as Radix } from "radix-ui";
import { useId, type ComponentProps, type ReactNode } from "react";
import { classes } from "@/lib/text";

export const INPUT =
  "w-full rounded-lg border border-line-strong/60 bg-panel px-3 py-2 text-sm text-ink outline-none transition-colors hover:border-line-strong focus-visible:border-accent focus-visible:outline-2 focus-visible:outline-offset-0 focus-visible:outline-accent/30 disabled:opacity-60 aria-invalid:border-bad max-sm:text-[16px]";

interface FieldProps {
  label: string;
  help?: string | undefined;
  error?: string | undefined;
  required?: boolean;
  hideLabel?: boolean;
  children: (ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode;
}

/** A label, a control and what there is to say about it. */
export function Field({ label, help, error, required, hideLabel, children }: FieldProps) {
  const id = useId();
  const note = error ?? help;
  return (
    <div>
      <label htmlFor={id} className={classes("mb-1 block font-medium", hideLabel && "sr-only")}>
        {label}
        {required && (
          <span className="text-bad" aria-hidden>
            {" "}
            *
          </span>
        )}
      </label>
      {children({
        id,
        ...(note && { "aria-describedby": `${id}-note` }),
        ...(error && { "aria-invalid": true as const }),
      })}
      {note && (
        <p id={`${id}-note`} className={classes("mt-1 text-xs", error ? "text-bad" : "text-mute")}>
          {note}
        </p>
      )}
    </div>
  );
}

interface TextProps extends Omit<ComponentProps<"input">, "onChange" | "value"> {
  label: string;
  help?: string | undefined;
  error?: string | undefined;
  hideLabel?: boolean;
  value: string;
  onChange: (value: string) => void;
}

export function TextField({ label, help, error, hideLabel, value, onChange, className, required, ...rest }: TextProps) {
  return (
    <Field label={label} help={help} error={error} required={required ?? false} hideLabel={hideLabel ?? false}>
      {(ids) => (
        <input
          {...rest}
          {...ids}
          required={required}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className={classes(INPUT, "h-9", className)}
        />
      )}
    </Field>
  );
}

interface SelectProps {
  label: string;
  help?: string | undefined;
  error?: string | undefined;
  hideLabel?: boolean;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
  className?: string;
}

export function SelectField({ label, help, error, hideLabel, value, options, onChange, className }: SelectProps) {
  return (
    <Field label={label} help={help} error={error} hideLabel={hideLabel ?? false}>
      {(ids) => (
        <select
          {...ids}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className={classes(INPUT, "h-9 py-0 pe-8", className)}
        >
          {options.map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface SwitchProps {
  label: string;
  help?: string | undefined;
  checked: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
  hideLabel?: boolean;
}

export function Switch({ label, help, checked, onChange, disabled, hideLabel }: SwitchProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-3">
      <Radix.Root
        id={id}
        checked={checked}
        disabled={disabled ?? false}
        onCheckedChange={onChange}
        className="relative h-5 w-9 shrink-0 rounded-full bg-line-strong transition-colors disabled:opacity-50 data-[state=checked]:bg-accent"
      >
        <Radix.Thumb className="block size-4 translate-x-0.5 rounded-full bg-white shadow-card transition-transform data-[state=checked]:translate-x-[18px] rtl:-translate-x-0.5 rtl:data-[state=checked]:-translate-x-[18px]" />
      </Radix.Root>
      <div className={hideLabel ? "sr-only" : ""}>
        <label htmlFor={id} className="block font-medium">
          {label}
        </label>
        {help && <p className="text-xs text-mute">{help}</p>}
      </div>
    </div>
  );
}

export const FormError = ({ text }: { text: string | null }) =>
  text ? (
    <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad">
      {text}
    </p>
  ) : null;
