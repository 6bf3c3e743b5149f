import type { SetAside, SetAsideReason, StreamHint } from '#server/connectors/contract.ts';
import type { Deviations } from '#server/connectors/exchange/deviations.ts';
import {
  dayOf,
  isObject,
  momentOf,
  own,
  sourceIdOf,
  textOf,
  textsOf,
} from '#server/connectors/exchange/foreign-text.ts';

/** What a raw record became. Every function here is pure, takes any value and never throws. */
export type Mapped<R> =
  | { readonly record: R & { readonly modifiedAt: Date | null; readonly deleted: boolean } }
  | { readonly setAside: SetAside };

export interface Reading {
  readonly deviations: Deviations;
  readonly now: Date;
}

export const aside = (sourceId: string | null, field: string | null, reason: SetAsideReason) => ({
  setAside: { sourceId, field, reason },
});

export interface Base {
  readonly sourceId: string;
  readonly modifiedAt: Date | null;
  readonly deleted: boolean;
}

/** Id, status and modification date, which every OneRoster object has (reference §5). */
export function baseOf(
  raw: { sourcedId?: unknown; status?: unknown; dateLastModified?: unknown },
  { deviations, now }: Reading,
): Base | { setAside: SetAside } {
  const id = sourceIdOf(raw.sourcedId, deviations);
  if ('problem' in id) return aside(null, 'sourcedId', id.problem);
  return {
    sourceId: id.id,
    modifiedAt: modifiedAt(raw.dateLastModified, deviations, now),
    deleted: isDeleted(raw.status, deviations),
  };
}

function modifiedAt(value: unknown, deviations: Deviations, now: Date): Date | null {
  const moment = momentOf(value, deviations);
  if (moment === null) {
    deviations.note('modified-missing');
    return null;
  }
  // A day's grace for clocks and zones; beyond it the date would poison a cursor.
  if (moment.getTime() <= now.getTime() + 86_400_000) return moment;
  deviations.note('modified-in-future');
  return null;
}

function isDeleted(value: unknown, deviations: Deviations): boolean {
  const status = typeof value === 'string' ? value.trim().toLowerCase() : '';
  if (typeof value === 'string' && value !== status) deviations.note('vocabulary-case');
  if (status === 'active') return false;
  if (status === 'tobedeleted') return true;
  // OneRoster 1.0; still seen.
  if (status === 'inactive') {
    deviations.note('status-inactive');
    return true;
  }
  deviations.note(status === '' ? 'status-missing' : 'status-unknown');
  return false;
}

/** The id in a reference. Many servers send only `sourcedId`, some the bare id. */
export function refOf(value: unknown, deviations: Deviations): string | null {
  if (value === null || value === undefined || value === '') return null;
  const raw = isObject(value) ? own(value, 'sourcedId') : value;
  if (!isObject(value)) deviations.note('reference-as-text');
  else if (own(value, 'href') === undefined) deviations.note('reference-without-href');
  const id = sourceIdOf(raw, deviations);
  if ('id' in id) return id.id;
  deviations.note('reference-unusable');
  return null;
}

export function word(value: unknown, known: readonly string[], deviations: Deviations): string | null {
  const text = textOf(value, deviations);
  if (text === null) return null;
  if (known.includes(text)) return text;
  const match = known.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
  if (match === undefined) {
    if (!/^ext:/i.test(text)) deviations.note('vocabulary-unknown');
    return text;
  }
  deviations.note('vocabulary-case');
  return match;
}

/** A day that may be left out; one that cannot be read is, and that is noted. */
export function optionalDayOf(value: unknown, deviations: Deviations): string | null {
  if (value === null || value === undefined || value === '') return null;
  const day = dayOf(value, deviations);
  if (day === null) deviations.note('date-ignored');
  return day;
}

/** Yes or no: the standard sends them as text, others as JSON's own or as numbers. */
export function flagOf(value: unknown, deviations: Deviations): boolean | null {
  if (value === 'true') return true;
  if (value === 'false') return false;
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'boolean') {
    deviations.note('boolean-not-text');
    return value;
  }
  if (value === 1 || value === 0) {
    deviations.note('boolean-as-number');
    return value === 1;
  }
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  if (/^(true|yes|y|1)$/.test(text) || /^(false|no|n|0)$/.test(text)) {
    deviations.note('vocabulary-case');
    return /^[ty1]/.test(text);
  }
  deviations.note('boolean-unreadable');
  return null;
}

/** Grades as they stand; codes are expected, words are common. */
export function gradesOf(value: unknown, deviations: Deviations): string[] {
  const grades = textsOf(value, deviations);
  if (grades.some((grade) => /[a-z]{4}/i.test(grade) && grade !== 'Other')) deviations.note('grades-in-words');
  return grades;
}

/** Names under which providers put a stream into metadata, folded (letters and digits, lower case). */
const metadataNames = {
  code: ['stream', 'streamcode', 'track', 'trackcode', 'studycode'],
  name: ['streamname', 'trackname', 'studyname'],
  programme: ['programme', 'program', 'pathway', 'schooltype', 'study'],
  level: ['level', 'courselevel', 'classlevel', 'profile', 'set', 'honors'],
  year: ['year', 'yeargroup', 'gradelevel', 'grade', 'leerjaar', 'studyyear'],
} as const;

const nothingTold = { code: null, name: null, programme: null, level: null, year: null };

function toldBy(metadata: object, deviations: Deviations): Record<keyof typeof metadataNames, string | null> {
  const entries = Object.entries(metadata).slice(0, 200);
  if (entries.length === 0) return nothingTold;
  const folded = new Map(entries.map(([name, value]) => [fold(name.slice(0, 100)), value]));
  const read = (names: readonly string[]) => {
    for (const name of names) {
      const value = folded.get(name);
      if (typeof value !== 'string' && typeof value !== 'number') continue;
      // Vendors nest their own objects and numbers here; that is no deviation from the standard.
      const text = textOf(String(value), deviations);
      if (text !== null) return text;
    }
    return null;
  };
  return {
    code: read(metadataNames.code),
    name: read(metadataNames.name),
    programme: read(metadataNames.programme),
    level: read(metadataNames.level),
    year: read(metadataNames.year),
  };
}

const fold = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** programme × level × year as metadata or a single grade tells it. Students are asked only in their own records (DESIGN.md §2). */
export function streamHintOf(
  metadata: unknown,
  grades: readonly string[],
  from: { readonly metadata: StreamHint['from']; readonly grades: StreamHint['from'] },
  deviations: Deviations,
): StreamHint | null {
  const told = isObject(metadata) ? toldBy(metadata, deviations) : nothingTold;
  // Only one grade names a year; a choir of all grades is of no stream.
  const grade = grades.length === 1 ? (grades[0] ?? null) : null;
  const isTold = Object.values(told).some((value) => value !== null);
  if (!isTold && grade === null) return null;
  return { ...told, year: told.year ?? grade, from: isTold ? from.metadata : from.grades };
}
