import { shownError } from '#components/ui/error-notice.tsx';

/**
 * Whether an error speaks of a field of a form, and so stands beside it: `invalid-input` and its kin name fields as
 * `contacts.0.email`, and a field takes what is said of anything below it.
 */
export function isAbout(error: unknown, field: string): boolean {
  if (error === null || error === undefined) return false;
  const { fields } = shownError(error).details;
  return Array.isArray(fields) && fields.some((name) => name === field || name.startsWith(`${field}.`));
}

/** Whether an error names any of these fields: then it need not be said again for the whole form. */
export const isAboutAny = (error: unknown, fields: readonly string[]): boolean =>
  fields.some((field) => isAbout(error, field));
