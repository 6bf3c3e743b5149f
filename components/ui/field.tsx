import { cloneElement, type ReactElement, type ReactNode, useId } from 'react';

interface FieldProps {
  label: ReactNode;
  /** Stands below the label, before the control. */
  hint?: ReactNode;
  /** What is wrong and what to do; stands where it arose. */
  error?: ReactNode;
  optional?: ReactNode;
  children: ReactElement<{ id?: string; 'aria-invalid'?: boolean; 'aria-describedby'?: string }>;
}

/** A control with its label, hint and error, wired for screen readers. */
export function Field({ label, hint, error, optional, children }: FieldProps) {
  const id = useId();
  const hasError = error !== undefined && error !== null && error !== '';
  const describedBy = [hint === undefined ? null : `${id}-hint`, hasError ? `${id}-error` : null].filter(
    (part) => part !== null,
  );
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className="font-semibold">
        {label}
        {optional !== undefined && <span className="ml-2 font-normal text-ink-2 text-sm">{optional}</span>}
      </label>
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-ink-2 text-sm">
          {hint}
        </p>
      )}
      {cloneElement(children, {
        id,
        'aria-invalid': hasError ? true : undefined,
        'aria-describedby': describedBy.length > 0 ? describedBy.join(' ') : undefined,
      })}
      {hasError && (
        <p id={`${id}-error`} role="alert" className="font-semibold text-fail text-sm">
          {error}
        </p>
      )}
    </div>
  );
}
