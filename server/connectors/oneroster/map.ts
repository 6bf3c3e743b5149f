import type {
  GroupRecord,
  SetAside,
  SetAsideReason,
  SiteRecord,
  StreamHint,
  SubjectRecord,
  TermRecord,
} from '#server/connectors/contract.ts';
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
import { academicSessionSchema, classSchema, courseSchema, orgSchema } from './wire.ts';

/** What a raw record became. Every function here is pure, takes any value and never throws. */
export type Mapped<R> =
  | { readonly record: R & { readonly modifiedAt: Date | null; readonly deleted: boolean } }
  | { readonly setAside: SetAside };

export interface Reading {
  readonly deviations: Deviations;
  readonly now: Date;
}

const aside = (sourceId: string | null, field: string | null, reason: SetAsideReason) => ({
  setAside: { sourceId, field, reason },
});

interface Base {
  readonly sourceId: string;
  readonly modifiedAt: Date | null;
  readonly deleted: boolean;
}

/** Id, status and modification date, which every OneRoster object has (reference §5). */
function baseOf(
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
function refOf(value: unknown, deviations: Deviations): string | null {
  if (value === null || value === undefined || value === '') return null;
  const raw = isObject(value) ? own(value, 'sourcedId') : value;
  if (!isObject(value)) deviations.note('reference-as-text');
  else if (own(value, 'href') === undefined) deviations.note('reference-without-href');
  const id = sourceIdOf(raw, deviations);
  if ('id' in id) return id.id;
  deviations.note('reference-unusable');
  return null;
}

function word(value: unknown, known: readonly string[], deviations: Deviations): string | null {
  const text = textOf(value, deviations);
  if (text === null) return null;
  const match = known.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
  if (match === undefined) {
    if (!/^ext:/i.test(text)) deviations.note('vocabulary-unknown');
    return text;
  }
  if (match !== text) deviations.note('vocabulary-case');
  return match;
}

const orgTypes = ['department', 'district', 'local', 'national', 'school', 'state'];
const sessionTypes = ['gradingPeriod', 'semester', 'schoolYear', 'term'];

/** An org as a site. */
export function siteOf(value: unknown, reading: Reading): Mapped<SiteRecord> {
  const parsed = orgSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  const base = baseOf(raw, reading);
  if ('setAside' in base) return base;
  const { deviations } = reading;
  const name = textOf(raw.name, deviations);
  if (name === null) return aside(base.sourceId, 'name', 'name-missing');
  const kind = word(raw.type, orgTypes, deviations);
  if (kind === null) deviations.note('org-type-missing');
  const identifier = textOf(raw.identifier, deviations);
  if (identifier === null) deviations.note('identifier-missing');
  const parent = refOf(raw.parent, deviations);
  return {
    record: {
      ...base,
      name,
      kind: kind ?? 'school',
      identifier,
      // A site above itself would send a reader round in circles.
      parentSourceId: parent === base.sourceId ? null : parent,
    },
  };
}

/** An academic session as a term. The end is the first day after it (reference §5). */
export function termOf(value: unknown, reading: Reading): Mapped<TermRecord> {
  const parsed = academicSessionSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  const base = baseOf(raw, reading);
  if ('setAside' in base) return base;
  const { deviations } = reading;
  const name = textOf(raw.title, deviations);
  if (name === null) return aside(base.sourceId, 'title', 'name-missing');
  const startsOn = dayOf(raw.startDate, deviations);
  if (startsOn === null) return aside(base.sourceId, 'startDate', 'date-unreadable');
  const endsOn = dayOf(raw.endDate, deviations);
  if (endsOn === null) return aside(base.sourceId, 'endDate', 'date-unreadable');
  if (endsOn < startsOn) return aside(base.sourceId, 'endDate', 'dates-reversed');
  const schoolYear = textOf(raw.schoolYear, deviations);
  if (schoolYear === null) deviations.note('school-year-missing');
  const parent = refOf(raw.parent, deviations);
  return {
    record: {
      ...base,
      name,
      kind: word(raw.type, sessionTypes, deviations) ?? 'term',
      startsOn,
      endsOn,
      schoolYear,
      parentSourceId: parent === base.sourceId ? null : parent,
    },
  };
}

/** A course as a subject. */
export function subjectOf(value: unknown, reading: Reading): Mapped<SubjectRecord> {
  const parsed = courseSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  const base = baseOf(raw, reading);
  if ('setAside' in base) return base;
  const { deviations } = reading;
  const courseCode = textOf(raw.courseCode, deviations);
  if (courseCode === null) deviations.note('course-code-missing');
  const title = textOf(raw.title, deviations);
  if (title === null && courseCode === null) return aside(base.sourceId, 'title', 'name-missing');
  if (title === null) deviations.note('title-missing');
  const grades = textsOf(raw.grades, deviations);
  return {
    record: {
      ...base,
      title: title ?? courseCode ?? base.sourceId,
      courseCode,
      grades,
      subjects: textsOf(raw.subjects, deviations),
      subjectCodes: textsOf(raw.subjectCodes, deviations),
      siteSourceId: refOf(raw.org, deviations),
      schoolYearSourceId: refOf(raw.schoolYear, deviations),
      stream: streamHintOf(raw.metadata, grades, 'course-grades', deviations),
    },
  };
}

/** A class as a group, or as a home class where its type says so. */
export function groupOf(value: unknown, reading: Reading): Mapped<GroupRecord> {
  const parsed = classSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  const base = baseOf(raw, reading);
  if ('setAside' in base) return base;
  const { deviations } = reading;
  const code = textOf(raw.classCode, deviations);
  const title = textOf(raw.title, deviations);
  if (title === null && code === null) return aside(base.sourceId, 'title', 'name-missing');
  if (title === null) deviations.note('title-missing');
  const type = word(raw.classType, ['homeroom', 'scheduled'], deviations);
  if (type === null) deviations.note('class-type-missing');
  const grades = textsOf(raw.grades, deviations);
  const terms = (Array.isArray(raw.terms) ? raw.terms.slice(0, 200) : [raw.terms])
    .map((term) => refOf(term, deviations))
    .filter((term) => term !== null);
  if (terms.length === 0) deviations.note('class-without-term');
  return {
    record: {
      ...base,
      kind: type === 'homeroom' ? 'class' : 'group',
      title: title ?? code ?? base.sourceId,
      code,
      grades,
      subjects: textsOf(raw.subjects, deviations),
      subjectSourceId: refOf(raw.course, deviations),
      siteSourceId: refOf(raw.school, deviations),
      termSourceIds: [...new Set(terms)],
      stream: streamHintOf(raw.metadata, grades, 'class-grades', deviations),
    },
  };
}

/** Names under which providers put a stream into metadata, folded (letters and digits, lower case). */
const metadataNames = {
  code: ['stream', 'streamcode', 'track', 'trackcode', 'studycode'],
  name: ['streamname', 'trackname', 'studyname'],
  programme: ['programme', 'program', 'pathway', 'schooltype', 'study'],
  level: ['level', 'courselevel', 'classlevel', 'profile', 'set', 'honors'],
  year: ['year', 'yeargroup', 'gradelevel', 'grade', 'leerjaar', 'studyyear'],
} as const;

const fold = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** programme × level × year as metadata or a single grade tells it (DESIGN.md §2: never from students). */
function streamHintOf(
  metadata: unknown,
  grades: readonly string[],
  from: 'class-grades' | 'course-grades',
  deviations: Deviations,
): StreamHint | null {
  const entries = isObject(metadata) ? Object.entries(metadata).slice(0, 200) : [];
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
  const told = {
    code: read(metadataNames.code),
    name: read(metadataNames.name),
    programme: read(metadataNames.programme),
    level: read(metadataNames.level),
    year: read(metadataNames.year),
  };
  // Only one grade names a year; a choir of all grades is of no stream.
  const grade = grades.length === 1 ? (grades[0] ?? null) : null;
  const isTold = Object.values(told).some((value) => value !== null);
  if (!isTold && grade === null) return null;
  return { ...told, year: told.year ?? grade, from: isTold ? 'metadata' : from };
}
