import type { ComponentProps } from 'react';
import { classNames } from './class-names.ts';

const control =
  'w-full rounded-control border border-edge bg-card px-3 py-2 text-ink placeholder:text-ink-2 disabled:opacity-60 aria-invalid:border-fail min-h-10';

export function Input({ className, ...props }: ComponentProps<'input'>) {
  return <input className={classNames(control, className)} {...props} />;
}

export function Textarea({ className, ...props }: ComponentProps<'textarea'>) {
  return <textarea className={classNames(control, 'min-h-24', className)} {...props} />;
}

/** The browser's own list: right on a phone, right for a screen reader. */
export function Select({ className, ...props }: ComponentProps<'select'>) {
  return <select className={classNames(control, 'pr-8', className)} {...props} />;
}

/** A box and its words as one target of at least 24 px; `hint` says more below. */
export function Checkbox({
  label,
  hint,
  className,
  ...props
}: ComponentProps<'input'> & { label: React.ReactNode; hint?: React.ReactNode }) {
  return (
    <label className={classNames('flex min-h-6 items-start gap-3 py-1', className)}>
      <input type="checkbox" className="mt-0.5 size-[18px] shrink-0 accent-accent" {...props} />
      <span>
        {label}
        {hint !== undefined && <span className="block text-ink-2 text-sm">{hint}</span>}
      </span>
    </label>
  );
}

export interface RadioChoice {
  value: string;
  label: React.ReactNode;
  hint?: React.ReactNode;
  disabled?: boolean;
}

/** A question with a few answers, all in sight. */
export function RadioGroup({
  legend,
  choices,
  ...props
}: Omit<ComponentProps<'input'>, 'type'> & { legend: React.ReactNode; choices: readonly RadioChoice[] }) {
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 font-semibold">{legend}</legend>
      {choices.map((choice) => (
        <label key={choice.value} className="flex min-h-6 items-start gap-3 py-1">
          <input
            {...props}
            type="radio"
            value={choice.value}
            disabled={choice.disabled}
            className="mt-0.5 size-[18px] shrink-0 accent-accent"
          />
          <span>
            {choice.label}
            {choice.hint !== undefined && <span className="block text-ink-2 text-sm">{choice.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
