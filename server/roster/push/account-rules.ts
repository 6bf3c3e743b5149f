import { type SQL, sql } from 'drizzle-orm';

/** Letters, digits and what every LMS takes in a login; each part of a person stands in braces. */
const patternShape = /^(?:[a-z0-9._-]|\{(?:given|family|number)\})+$/;

/** Whether a pattern makes a username of a person: at least one of its parts, and nothing that an LMS refuses. Pure. */
export const isUsernamePattern = (pattern: string): boolean =>
  patternShape.test(pattern) && /\{(?:given|family|number)\}/.test(pattern);

/** Whether a host can be nobody's: mail to it goes nowhere (RFC 2606 §2). Pure. */
export const isInvalidHost = (host: string): boolean =>
  host.length <= 100 && /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+invalid$/.test(host);

/** A name as it stands in a login: folded, without what is no letter or digit. */
const slug = (cell: SQL) => sql`nullif(regexp_replace(public.folded(${cell}), '[^a-z0-9]+', '', 'g'), '')`;

/**
 * The pattern over a row of people, as SQL; null where a part that it names is not known. The cells are SQL too, so that a field that the
 * grant leaves out makes no username.
 */
export function usernameBy(
  pattern: string | null,
  cells: { readonly given: SQL; readonly family: SQL; readonly number: SQL },
): SQL {
  if (pattern === null) return sql`null::text`;
  const parts = pattern.split(/(\{[a-z]+\})/).flatMap((part): SQL[] => {
    if (part === '') return [];
    if (part === '{given}') return [slug(cells.given)];
    if (part === '{family}') return [slug(cells.family)];
    if (part === '{number}') return [slug(cells.number)];
    return [sql`${part}::text`];
  });
  return sql`(${sql.join(parts, sql` || `)})`;
}
