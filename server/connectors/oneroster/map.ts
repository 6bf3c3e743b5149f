import type { GroupRecord, SiteRecord, SubjectRecord, TermRecord } from '#server/connectors/contract.ts';
import { dayOf, textOf, textsOf } from '#server/connectors/exchange/foreign-text.ts';
import { aside, baseOf, gradesOf, type Mapped, type Reading, refOf, streamHintOf, word } from './map-base.ts';
import { academicSessionSchema, classSchema, courseSchema, orgSchema } from './wire.ts';

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
  const grades = gradesOf(raw.grades, deviations);
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
      stream: streamHintOf(raw.metadata, grades, { metadata: 'metadata', grades: 'course-grades' }, deviations),
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
  const grades = gradesOf(raw.grades, deviations);
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
      stream: streamHintOf(raw.metadata, grades, { metadata: 'metadata', grades: 'class-grades' }, deviations),
    },
  };
}
