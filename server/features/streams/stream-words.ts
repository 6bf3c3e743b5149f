import { z } from 'zod';

/** A stream of the school's own list: its id is made of its name, so that the same list brings the same streams. */
export const ownPrefix = 'own:';
export const isOwn = (sourceId: string) => sourceId.startsWith(ownPrefix);

/** Letters and digits of a name without case, marks and spaces, as an id. */
export function ownIdOf(name: string): string {
  const folded = name
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `${ownPrefix}${folded === '' ? encodeURIComponent(name) : folded}`;
}

const word = z
  .string()
  .max(120)
  .transform((text) => text.replaceAll('\0', '').trim())
  .transform((text) => (text === '' ? null : text))
  .nullable();

/** Programme, level and year, each left out where it is empty. */
export const facetsSchema = z.object({ programme: word, level: word, year: word });
export type Facets = z.infer<typeof facetsSchema>;
/** Null: as it was derived. */
export const optionalNameSchema = word;
export const nameSchema = z
  .string()
  .max(120)
  .transform((text) => text.replaceAll('\0', '').trim())
  .pipe(z.string().min(1));
