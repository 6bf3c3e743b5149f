import type { Deviations } from './deviations.ts';

/** Longer than any name of a course; a foreign text beyond it is cut, so that one field cannot fill a page. */
const longestText = 500;
export const longestSourceId = 255;

/** Control characters, which PostgreSQL (NUL) or a page would choke on, and marks that turn the reading direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/;
const everyUnprintable = new RegExp(`${unprintable.source}+`, 'g');

/** A foreign value as text for people: trimmed, well formed, of bounded length; null where it is empty or no text. */
export function textOf(value: unknown, deviations: Deviations): string | null {
  if (typeof value === 'number' || typeof value === 'bigint') {
    deviations.note('number-for-text');
    return String(value);
  }
  if (typeof value !== 'string') {
    if (value !== null && value !== undefined) deviations.note('another-type-for-text');
    return null;
  }
  let text = value;
  if (!text.isWellFormed()) {
    deviations.note('text-not-unicode');
    text = text.toWellFormed();
  }
  const isUnclean = unprintable.test(text);
  const clean = isUnclean ? text.replaceAll(everyUnprintable, ' ') : text;
  if (isUnclean) deviations.note('control-characters');
  const trimmed = clean.trim();
  if (trimmed.length <= longestText) return trimmed === '' ? null : trimmed;
  deviations.note('text-too-long');
  return trimmed.slice(0, longestText).toWellFormed();
}

/** An id exactly as it came (ids are opaque and case-sensitive), or why it cannot be one. */
export function sourceIdOf(
  value: unknown,
  deviations: Deviations,
): { readonly id: string } | { readonly problem: 'source-id-missing' | 'source-id-unusable' } {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    deviations.note('number-for-id');
    return { id: String(value) };
  }
  if (typeof value !== 'string' || value.trim() === '') return { problem: 'source-id-missing' };
  if (value.length > longestSourceId || !value.isWellFormed() || unprintable.test(value)) {
    return { problem: 'source-id-unusable' };
  }
  return { id: value };
}

/** A list of texts; one text with commas is read as a list, as several systems send it. */
export function textsOf(value: unknown, deviations: Deviations): string[] {
  if (value === null || value === undefined || value === '') return [];
  if (typeof value === 'string') {
    deviations.note('text-for-list');
    return unique(value.split(',').map((part) => textOf(part, deviations)));
  }
  if (typeof value === 'number') return unique([textOf(value, deviations)]);
  if (!Array.isArray(value)) {
    deviations.note('another-type-for-list');
    return [];
  }
  return unique(value.slice(0, 200).map((part) => textOf(part, deviations)));
}

const unique = (texts: readonly (string | null)[]) => [...new Set(texts.filter((text) => text !== null))];

/** Days that were found to exist: millions of enrolments begin on a few of them. */
const knownDays = new Set<string>();

/** A calendar day `YYYY-MM-DD` that exists, or null. A time behind it is cut off and noted. */
export function dayOf(value: unknown, deviations: Deviations): string | null {
  if (typeof value !== 'string') return null;
  if (knownDays.has(value)) return value;
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$/.exec(value.trim());
  const day = match?.[1];
  if (day === undefined) return null;
  const parsed = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(parsed.getTime()) || parsed.toISOString().slice(0, 10) !== day) return null;
  if (value.trim() !== day) deviations.note('time-behind-date');
  if (knownDays.size < 50_000) knownDays.add(day);
  return day;
}

/** A moment in ISO 8601; without a zone it is taken as UTC and noted. Null where it is none. */
export function momentOf(value: unknown, deviations: Deviations): Date | null {
  if (typeof value !== 'string' || value.trim() === '') return null;
  const text = value.trim();
  const match = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(text);
  if (match === null) {
    deviations.note('moment-unreadable');
    return null;
  }
  const zoned = match[1] === undefined && text.length > 10;
  if (zoned) deviations.note('moment-without-zone');
  const parsed = new Date(zoned ? `${text.replace(' ', 'T')}Z` : text.replace(' ', 'T'));
  return Number.isNaN(parsed.getTime()) ? null : parsed;
}

/** A member of a foreign object by its own name: `__proto__` and the like are never what was meant. */
export function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
