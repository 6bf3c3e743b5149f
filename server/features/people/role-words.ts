import type { Role } from '#db/schema/vocabulary.ts';
import { translate } from '#messages/translate.ts';

/** Roles in words, for a mail: "approver and signatory". */
export function roleWords(locale: string, given: readonly Role[]): string {
  const words = given.map((role) => translate(locale, `people.roles.${role}`));
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(words);
}
