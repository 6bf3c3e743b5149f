import type { Field } from '#server/connectors/contract.ts';

/** The fields that a form asks for: of those that depend on another that is asked for, the ones whose condition holds. */
export function askedFields<F extends Pick<Field, 'name' | 'choices' | 'onlyWhen'>>(
  fields: readonly F[],
  values: Readonly<Record<string, string | undefined>>,
): F[] {
  const asked: F[] = [];
  for (const field of fields) {
    const { onlyWhen } = field;
    const other = onlyWhen === undefined ? undefined : fields.find(({ name }) => name === onlyWhen.field);
    // One that is not asked for itself has its first choice, and hinders nothing.
    const value =
      other === undefined || !asked.includes(other) ? undefined : (values[other.name] ?? other.choices?.[0]);
    if (onlyWhen === undefined || value === undefined || onlyWhen.is.includes(value)) asked.push(field);
  }
  return asked;
}
