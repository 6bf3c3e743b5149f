/**
 * What the LMS keeps of a school's roster, and how it reads it off the wire of OneRoster 1.2 and 1.1. Leniently: refs may have
 * a sourcedId alone, lists may be missing; a record without its sourcedId or name is counted and left out.
 * Source: 1EdTech OneRoster 1.2 Rostering REST binding (OpenAPI schemas) and its differences to 1.1.
 */

import { z } from 'zod';

export const collections = [
  'orgs',
  'academicSessions',
  'courses',
  'classes',
  'teachers',
  'students',
  'enrollments',
] as const;
export type Collection = (typeof collections)[number];

const kept = { id: z.string(), modified: z.string() };
const streamSchema = z.object({ code: z.string(), name: z.string() });

const records = {
  orgs: z.object({ ...kept, name: z.string(), kind: z.string() }),
  academicSessions: z.object({ ...kept, title: z.string(), kind: z.string(), start: z.string(), end: z.string() }),
  courses: z.object({ ...kept, title: z.string(), code: z.string(), codes: z.array(z.string()) }),
  classes: z.object({
    ...kept,
    title: z.string(),
    kind: z.string(),
    courseId: z.string(),
    siteId: z.string(),
    termIds: z.array(z.string()),
    stream: streamSchema.nullable(),
  }),
  teachers: z.object({ ...kept, name: z.string(), email: z.string(), username: z.string() }),
  students: z.object({
    ...kept,
    name: z.string(),
    email: z.string(),
    username: z.string(),
    grades: z.array(z.string()),
  }),
  enrollments: z.object({
    ...kept,
    classId: z.string(),
    userId: z.string(),
    role: z.string(),
    primary: z.boolean(),
  }),
};

export type Stream = z.output<typeof streamSchema>;
export type RecordOf = { [C in Collection]: z.output<(typeof records)[C]> };
/** A roster as it is kept. */
export type Roster = { [C in Collection]: RecordOf[C][] };

export const rosterSchema: z.ZodType<Roster> = z.object({
  orgs: z.array(records.orgs),
  academicSessions: z.array(records.academicSessions),
  courses: z.array(records.courses),
  classes: z.array(records.classes),
  teachers: z.array(records.teachers),
  students: z.array(records.students),
  enrollments: z.array(records.enrollments),
});

export const emptyRoster = (): Roster => ({
  orgs: [],
  academicSessions: [],
  courses: [],
  classes: [],
  teachers: [],
  students: [],
  enrollments: [],
});

const text = z.string().nullish();
const ref = z.object({ sourcedId: z.string() }).nullish();
const texts = z.array(z.string()).nullish();
const base = { sourcedId: z.string().min(1), status: text, dateLastModified: text, metadata: z.unknown().optional() };
const user = z.object({ ...base, givenName: z.string(), familyName: z.string(), email: text, username: text });

const folded = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** The study track that metadata tell: its code and name, or what it is made of (programme, level, year). */
function streamOf(metadata: unknown): Stream | null {
  const parsed = z.record(z.string(), z.unknown()).safeParse(metadata);
  if (!parsed.success) return null;
  const told = new Map(Object.entries(parsed.data).map(([name, value]) => [folded(name), value]));
  const read = (...names: readonly string[]): string => {
    const value = names.map((name) => told.get(name)).find((one) => typeof one === 'string' && one !== '');
    return typeof value === 'string' ? value : '';
  };
  const parts = [read('programme'), read('year'), read('level')].filter((part) => part !== '').join(' ');
  const name = read('streamname') || parts || read('stream', 'streamcode');
  return name === '' ? null : { code: read('stream', 'streamcode') || name, name };
}

/** How a record of each collection is read: what is kept of it, and whether it is marked for deletion. */
const readers: { readonly [C in Collection]: (raw: unknown) => RecordOf[C] | null } = {
  orgs: reader(z.object({ ...base, name: z.string(), type: z.string() }), ({ name, type }) => ({ name, kind: type })),
  academicSessions: reader(
    z.object({ ...base, title: z.string(), type: z.string(), startDate: text, endDate: text }),
    ({ title, type, startDate, endDate }) => ({ title, kind: type, start: startDate ?? '', end: endDate ?? '' }),
  ),
  courses: reader(
    z.object({ ...base, title: z.string(), courseCode: text, subjectCodes: texts }),
    ({ title, courseCode, subjectCodes }) => ({ title, code: courseCode ?? '', codes: subjectCodes ?? [] }),
  ),
  classes: reader(
    z.object({
      ...base,
      title: z.string(),
      classType: text,
      course: ref,
      school: ref,
      terms: z.array(z.object({ sourcedId: z.string() })).nullish(),
    }),
    ({ title, classType, course, school, terms, metadata }) => ({
      title,
      kind: classType ?? 'scheduled',
      courseId: course?.sourcedId ?? '',
      siteId: school?.sourcedId ?? '',
      termIds: (terms ?? []).map(({ sourcedId }) => sourcedId),
      stream: streamOf(metadata),
    }),
  ),
  teachers: reader(user, personOf),
  students: reader(z.object({ ...user.shape, grades: texts }), (raw) => ({
    ...personOf(raw),
    grades: raw.grades ?? [],
  })),
  enrollments: reader(
    z.object({
      ...base,
      class: z.object({ sourcedId: z.string() }),
      user: z.object({ sourcedId: z.string() }),
      role: z.string(),
      primary: z.unknown().optional(),
    }),
    ({ class: group, user: person, role, primary }) => ({
      classId: group.sourcedId,
      userId: person.sourcedId,
      role,
      primary: String(primary) === 'true',
    }),
  ),
};

function personOf(raw: z.output<typeof user>): { name: string; email: string; username: string } {
  return { name: `${raw.givenName} ${raw.familyName}`, email: raw.email ?? '', username: raw.username ?? '' };
}

function reader<T extends { sourcedId: string; dateLastModified?: string | null | undefined }, K extends object>(
  schema: z.ZodType<T>,
  keep: (raw: T) => K,
): (raw: unknown) => (K & { id: string; modified: string }) | null {
  return (raw) => {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) return null;
    const { sourcedId, dateLastModified } = parsed.data;
    return { ...keep(parsed.data), id: sourcedId, modified: dateLastModified ?? '' };
  };
}

/** One record of a collection; null where it cannot be read. */
export function read<C extends Collection>(collection: C, raw: unknown): RecordOf[C] | null {
  return readers[collection](raw);
}

const marked = z.object({ sourcedId: z.string(), status: z.enum(['tobedeleted', 'inactive']) });

/** The sourcedId of a record that is marked for deletion (1.0 called it `inactive`); null of any other. */
export const goneId = (raw: unknown): string | null => marked.safeParse(raw).data?.sourcedId ?? null;

export const pages = [
  'groups',
  'classes',
  'streams',
  'subjects',
  'terms',
  'sites',
  'teachers',
  'students',
  'enrolments',
] as const;
/** What the administrator sees, each on a page of its own. */
export type Page = (typeof pages)[number];

export const isHomeClass = ({ kind }: RecordOf['classes']): boolean => kind.toLowerCase() === 'homeroom';

/** The streams that classes and groups tell, each once, with how many groups it has. */
export function streamsOf(roster: Roster): (Stream & { groups: number })[] {
  const found = new Map<string, Stream & { groups: number }>();
  for (const { stream } of roster.classes) {
    if (stream === null) continue;
    found.set(stream.code, { ...stream, groups: (found.get(stream.code)?.groups ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** How many of each were received. */
export function countsOf(roster: Roster): Record<Page, number> {
  const classes = roster.classes.filter(isHomeClass).length;
  return {
    groups: roster.classes.length - classes,
    classes,
    streams: streamsOf(roster).length,
    subjects: roster.courses.length,
    terms: roster.academicSessions.length,
    sites: roster.orgs.length,
    teachers: roster.teachers.length,
    students: roster.students.length,
    enrolments: roster.enrollments.length,
  };
}

/** Records that name another which was not received. A school that shares a part should leave none. */
export function looseEndsOf(roster: Roster): number {
  const idsOf = (records: readonly { id: string }[]): ReadonlySet<string> => new Set(records.map(({ id }) => id));
  const courses = idsOf(roster.courses);
  const classes = idsOf(roster.classes);
  const people = idsOf([...roster.teachers, ...roster.students]);
  return (
    roster.classes.filter(({ courseId }) => courseId !== '' && !courses.has(courseId)).length +
    roster.enrollments.filter(({ classId, userId }) => !classes.has(classId) || !people.has(userId)).length
  );
}
