import { createHash } from 'node:crypto';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** What a template may say of the agreement, as `{{school}}`. */
export const placeholders = [
  'school',
  'register',
  'register_number',
  'country',
  'agent',
  'marketplace',
  'term_start',
  'term_end',
  'products',
  'price_note',
  'grace_days',
] as const;
export type Placeholder = (typeof placeholders)[number];
export type PlaceholderValues = Readonly<Record<Placeholder, string>>;

const pattern = /\{\{\s*([^{}]*?)\s*\}\}/g;
const isPlaceholder = (name: string): name is Placeholder => placeholders.some((word) => word === name);

/** The names in `{{…}}` that mean nothing, each once. */
export function unknownPlaceholders(text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))].filter(
    (name) => !isPlaceholder(name),
  );
}

/** Throws `placeholder-unknown` naming them. */
export function refuseUnknownPlaceholders(...texts: readonly string[]): void {
  const unknown = texts.flatMap(unknownPlaceholders);
  if (unknown.length > 0) throw new CrosswalkError('placeholder-unknown', { details: { placeholders: unknown } });
}

/** Fills a template in one pass, so that braces inside a value stay text. */
export function fillIn(template: string, values: PlaceholderValues): string {
  refuseUnknownPlaceholders(template);
  return template.replace(pattern, (whole, name: string) => (isPlaceholder(name) ? values[name] : whole));
}

export interface AgreementParts {
  readonly body: string;
  readonly dataProcessingTerms: string;
}

/** One line end and one Unicode form, so that the same text has one hash wherever it was typed. */
const normal = (text: string) => text.replaceAll(/\r\n?/g, '\n').normalize('NFC').trim();

/**
 * The text as it is shown, printed and signed: UTF-8, lines ended by LF. `sha256sum` over the downloaded file gives the
 * hash that the signature names.
 */
export function shownText(parts: AgreementParts): string {
  return `${normal(parts.body)}\n\n${normal(parts.dataProcessingTerms)}\n`;
}

/** SHA-256 of the shown text, in hexadecimal. */
export function hashOfText(parts: AgreementParts): string {
  return createHash('sha256').update(shownText(parts), 'utf8').digest('hex');
}
