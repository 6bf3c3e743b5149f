/**
 * The collections of a school as streams. Each generator holds at most one site's plan; records of one collection name
 * those of another by ids computed from the same keys, so no collection has to be kept to make the next.
 */

import type { Stream, Subject } from './flavours.ts';
import { homeroomSubject, orchestraSubject } from './flavours.ts';
import type { FamilyName } from './names.ts';
import { familyName, folded, givenName, joined, oddNames } from './names.ts';
import type { KeyStart } from './prng.ts';
import { at, draw, drawAfter, drawWithEnd, prngFor, startKey, uuidAfter, uuidFor } from './prng.ts';
import type {
  Base,
  ClassRecord,
  CourseRecord,
  DemographicRecord,
  EnrolmentRecord,
  OrgRecord,
  PersonRecord,
  PersonRole,
  SessionRecord,
} from './records.ts';
import type { ClassPlan, Homeroom, School, SiteContext, TeacherPlan } from './school.ts';
import { contextsOf, keysOf, orchestraPlan, siteAt, siteIdOf, sitesOf, subjectsOf } from './school.ts';

const DAY = 86_400_000;

const MINUTES = 20 * 24 * 60;
/** Texts of the moments at which records were last changed, by school year, days and minutes: few, and dear to make. */
const moments = new Map<number, string[]>();

function momentOf(schoolYear: number, days: number, minutes: number): string {
  const key = schoolYear * 1000 + days;
  let known = moments.get(key);
  if (known === undefined) {
    known = [];
    moments.set(key, known);
  }
  const text = known[minutes] ?? new Date(Date.UTC(schoolYear, 7, 15, 6) + minutes * 60_000 + days * DAY).toISOString();
  known[minutes] = text;
  return text;
}

function base(school: School, id: string, leftAfterDays = 0): Base {
  return {
    id,
    status: leftAfterDays > 0 ? 'tobedeleted' : 'active',
    modified: momentOf(school.schoolYear, leftAfterDays, drawWithEnd(id, '/modified', MINUTES)),
  };
}

const districtId = (school: School): string => uuidFor(`${school.seed}/org/district`);

/** The district, its sites, and one department of the first site. */
export function* orgs(school: School): Generator<OrgRecord> {
  const siteIds: string[] = [];
  for (const { site } of sitesOf(school)) siteIds.push(siteIdOf(school, site));
  yield {
    ...base(school, districtId(school)),
    name: school.name,
    kind: 'district',
    identifier: school.registerNumber,
    parentId: null,
    childIds: siteIds,
  };
  const departmentId = uuidFor(`${school.seed}/org/department`);
  for (const { site, index } of sitesOf(school)) {
    yield {
      ...base(school, siteIdOf(school, site)),
      name: site.name,
      kind: 'school',
      identifier: site.identifier,
      parentId: districtId(school),
      childIds: index === 0 ? [departmentId] : [],
    };
    if (index === 0) {
      yield {
        ...base(school, departmentId),
        name: `${site.name}: Science & Technology`,
        kind: 'department',
        identifier: `${site.identifier}-ST`,
        parentId: siteIdOf(school, site),
        childIds: [],
      };
    }
  }
}

const sessionId = (school: School, key: string): string =>
  uuidFor(`${school.seed}/session/${school.schoolYear}/${key}`);

/** The ids of the school year and its two semesters. */
export function sessionIds(school: School): { year: string; semesters: readonly [string, string] } {
  return { year: sessionId(school, 'year'), semesters: [sessionId(school, 's1'), sessionId(school, 's2')] };
}

/** One school year, two semesters, four terms and a grading period in each. End dates are the first day after. */
export function* sessions(school: School): Generator<SessionRecord> {
  const y = school.schoolYear;
  const schoolYear = String(y + 1);
  const id = (key: string): string => sessionId(school, key);
  const bounds = [`${y}-08-17`, `${y}-11-02`, `${y + 1}-01-25`, `${y + 1}-04-12`, `${y + 1}-07-10`];
  const make = (
    key: string,
    title: string,
    kind: SessionRecord['kind'],
    [start, end]: readonly [string, string],
    parent: string | null,
    children: readonly string[],
  ): SessionRecord => ({
    ...base(school, id(key)),
    title,
    kind,
    start,
    end,
    parentId: parent === null ? null : id(parent),
    childIds: children.map(id),
    schoolYear,
  });
  yield make('year', `${y}/${y + 1}`, 'schoolYear', [`${y}-08-01`, `${y + 1}-08-01`], null, ['s1', 's2']);
  yield make('s1', `Semester 1 ${y}/${y + 1}`, 'semester', [at(bounds, 0), at(bounds, 2)], 'year', ['t1', 't2']);
  yield make('s2', `Semester 2 ${y}/${y + 1}`, 'semester', [at(bounds, 2), at(bounds, 4)], 'year', ['t3', 't4']);
  for (let n = 1; n <= 4; n++) {
    const span: readonly [string, string] = [at(bounds, n - 1), at(bounds, n)];
    yield make(`t${n}`, `Period ${n} ${y}/${y + 1}`, 'term', span, n <= 2 ? 's1' : 's2', [`g${n}`]);
    yield make(`g${n}`, `Report ${n}`, 'gradingPeriod', span, `t${n}`, []);
  }
}

const courseId = (school: School, siteCode: string, streamCode: string, subject: Subject): string =>
  uuidFor(`${school.seed}/course/${siteCode}/${streamCode}/${subject.key}`);

function courseOf(context: SiteContext, plan: ClassPlan): string {
  return courseId(
    context.school,
    context.site.code,
    plan.plan?.stream.code ?? '',
    plan.kind === 'homeroom' ? homeroomSubject : plan.subject,
  );
}

/** How a stream shows on a course: Dutch and English schools name it, American ones only give the level. */
function courseMetadata(school: School, stream: Stream | null): Record<string, string> {
  if (stream === null) return {};
  if (school.country === 'US') return { courseLevel: stream.level };
  return {
    programme: stream.programme,
    year: String(stream.year),
    ...(stream.level === '' ? {} : { level: stream.level }),
  };
}

/** How a stream shows on a class: not at all in American schools, whose streams stand in the course's level and grade. */
function classMetadata(school: School, stream: Stream | null): Record<string, string> {
  if (stream === null || school.country === 'US') return {};
  return { ...courseMetadata(school, stream), stream: stream.code, streamName: stream.name };
}

/** One course for each subject of each stream of each site, one for homerooms, one for the orchestra. */
export function* courses(school: School): Generator<CourseRecord> {
  const schoolYearId = sessionIds(school).year;
  for (const { site } of sitesOf(school)) {
    const siteId = siteIdOf(school, site);
    const record = (subject: Subject, stream: Stream | null, grades: readonly string[]): CourseRecord => {
      const id = courseId(school, site.code, stream?.code ?? '', subject);
      return {
        ...base(school, id),
        title: stream === null ? `${subject.title} ${site.name}` : `${subject.title} ${stream.name}`,
        code: `${subject.code}-${stream?.code ?? site.code}`,
        schoolYearId,
        siteId,
        grades,
        subjects: [subject.title],
        subjectCodes: [subject.sced],
        metadata: courseMetadata(school, stream),
      };
    };
    const grades = [...new Set(site.streams.map((plan) => plan.stream.grade))];
    yield record(homeroomSubject, null, grades);
    yield record(orchestraSubject, null, grades);
    for (const plan of site.streams) {
      const { core, electives } = subjectsOf(school, plan);
      for (const subject of [homeroomSubject, ...core, ...electives])
        yield record(subject, plan.stream, [plan.stream.grade]);
    }
  }
}

function termsOf(school: School, plan: ClassPlan): readonly string[] {
  const { semesters } = sessionIds(school);
  if (plan.kind === 'homeroom' || !plan.key.includes('/e')) return semesters;
  const turn = draw(`${school.seed}/terms/${plan.key}`, 6);
  return turn === 0 ? [semesters[0]] : turn === 1 ? [semesters[1]] : semesters;
}

/** Homeroom classes and scheduled groups. */
export function* classes(school: School): Generator<ClassRecord> {
  for (const context of contextsOf(school)) {
    const { site, siteId } = context;
    const allGrades = [...new Set(site.streams.map((plan) => plan.stream.grade))];
    for (const plan of context.timetable().classes) {
      const { id } = plan;
      const random = prngFor(`${school.seed}/room/${plan.key}`);
      const stream = plan.plan?.stream ?? null;
      const first = random.int(6) + 1;
      yield {
        ...base(school, id),
        title: plan.title,
        code: plan.code,
        kind: plan.kind,
        location: `${site.code}-${random.int(3)}.${String(random.int(28) + 1).padStart(2, '0')}`,
        grades: stream === null ? allGrades : [stream.grade],
        subjects: [plan.subject.title],
        subjectCodes: [plan.subject.sced],
        courseId: courseOf(context, plan),
        siteId,
        termIds: termsOf(school, plan),
        periods: plan.kind === 'homeroom' ? ['1'] : [String(first), String(first + 1 + random.int(2))],
        stream,
        metadata: classMetadata(school, stream),
      };
    }
  }
}

/** One place in a homeroom: who sits there follows from the key. */
type Seat = {
  context: SiteContext;
  homeroom: Homeroom;
  seat: number;
  key: string;
  id: string;
  left: boolean;
  ordinal: number;
};

const ODD_SEATS: readonly number[] = [3, 7, 11, 15];

function seatKey(homeroom: Homeroom, seat: number): string {
  return `${homeroom.key}/${seat}`;
}

function* seatsOf(context: SiteContext): Generator<Seat> {
  const { student, left } = keysOf(context.school);
  let ordinal = 0;
  for (const homeroom of context.homerooms) {
    for (let seat = 0; seat < homeroom.seats; seat++) {
      ordinal += 1;
      const key = seatKey(homeroom, seat);
      yield {
        context,
        homeroom,
        seat,
        key,
        id: uuidAfter(student, key),
        ordinal,
        left: drawAfter(left, key, 150) === 0,
      };
    }
  }
}

/** The ids of the students who have left: those of the records marked for deletion. */
export function* leftStudentIds(school: School): Generator<string> {
  for (const context of contextsOf(school)) {
    for (const { id, left } of seatsOf(context)) if (left) yield id;
  }
}

/** Seats with a written name, and the pair of namesakes, belong to no other household. */
function isWritten(context: SiteContext, seat: number): boolean {
  return seat === 8 || seat === 9 || (context.index === 0 && ODD_SEATS.includes(seat));
}

function livesWithPrevious(context: SiteContext, homeroom: number, seat: number): boolean {
  const own = context.homerooms[homeroom];
  const previous = context.homerooms[homeroom - 1];
  if (own === undefined || previous === undefined || isWritten(context, seat)) return false;
  if (seat >= own.seats || seat >= previous.seats) return false;
  return draw(`${context.school.seed}/sibling/${context.site.code}/${homeroom}/${seat}`, 10) === 0;
}

/** The household of a seat is named by the homeroom where its eldest sits: brothers and sisters sit in the same seat further on. */
function householdOf(context: SiteContext, homeroom: number, seat: number): number {
  let root = homeroom;
  while (livesWithPrevious(context, root, seat)) root -= 1;
  return root;
}

type HouseholdMember = { id: string; role: PersonRole };

function householdKey(context: SiteContext, root: number, seat: number): string {
  return `${context.school.seed}/household/${context.site.code}/${root}/${seat}`;
}

function guardiansOf(context: SiteContext, root: number, seat: number): HouseholdMember[] {
  const key = householdKey(context, root, seat);
  const turn = draw(`${key}/size`, 100);
  const count = turn < 6 ? 0 : turn < 30 ? 1 : turn < 90 ? 2 : turn < 97 ? 3 : 4;
  return Array.from({ length: count }, (_, n) => ({
    id: uuidFor(`${key}/guardian/${n}`),
    role: n >= 2 ? 'relative' : draw(`${key}/role/${n}`, 10) === 0 ? 'guardian' : 'parent',
  }));
}

function householdName(context: SiteContext, root: number, seat: number): FamilyName {
  return familyName(context.school.country, prngFor(`${householdKey(context, root, seat)}/name`));
}

/** Name of the student in a seat: a written one for some, the neighbour's for the namesakes, else drawn. */
function studentName(place: Seat): { given: string; middle: string; family: string; preferred: string } {
  const { context, homeroom, seat } = place;
  const { school } = context;
  const column = ODD_SEATS.indexOf(seat);
  const odd = context.index === 0 && column >= 0 ? oddNames[homeroom.index * ODD_SEATS.length + column] : undefined;
  if (odd !== undefined)
    return { given: odd.given, middle: odd.middle ?? '', family: odd.family, preferred: odd.preferred ?? '' };
  const namesake = seat === 9 && homeroom.index % 7 === 1 ? 8 : seat;
  const root = householdOf(context, homeroom.index, seat);
  const random = prngFor(`${school.seed}/name/${seatKey(homeroom, namesake)}`);
  const { given } = givenName(school.country, random);
  return {
    given,
    middle: random.chance(0.2) ? givenName(school.country, random).given : '',
    family: joined(householdName(context, root, namesake)),
    preferred: random.chance(0.05) ? given.slice(0, 3) : '',
  };
}

function attendsNextSite(place: Seat): string | null {
  const { context, key } = place;
  if (drawAfter(keysOf(context.school).guest, key, 70) !== 0) return null;
  const next = siteAt(context.school, context.index + 1);
  return next === undefined ? null : siteIdOf(context.school, next);
}

/** Students, in the order of sites, streams and homerooms. */
export function* students(school: School): Generator<PersonRecord> {
  for (const context of contextsOf(school)) {
    for (const place of seatsOf(context)) {
      const { homeroom, seat, id } = place;
      const random = prngFor(`${school.seed}/student-fields/${place.key}`);
      const identifier = String((context.index + 1) * 100_000 + place.ordinal);
      const guestAt = attendsNextSite(place);
      const address = `${identifier}@students.${school.emailDomain}`;
      const turn = random.int(100);
      const household = householdOf(context, homeroom.index, seat);
      yield {
        ...base(school, id, place.left ? 40 : 0),
        ...studentName(place),
        kind: 'student',
        username: `s${identifier}`,
        identifier,
        email: turn < 6 ? '' : turn < 9 ? address.toUpperCase() : address,
        phone: '',
        sms: random.chance(0.3) ? `+00 555 0${100 + random.int(900)}` : '',
        enabled: !place.left && !random.chance(0.02),
        grades: [homeroom.plan.stream.grade],
        roles: [
          { role: 'student', orgId: context.siteId, primary: true },
          ...(guestAt === null ? [] : [{ role: 'student' as const, orgId: guestAt, primary: false }]),
        ],
        agentIds: guardiansOf(context, household, seat).map((guardian) => guardian.id),
        stream: homeroom.plan.stream,
      };
    }
  }
}

function teacherName(school: School, teacher: TeacherPlan): { given: string; family: string; email: string } {
  const random = prngFor(`${school.seed}/teacher-name/${teacher.key}`);
  const family = joined(familyName(school.country, random));
  const { given } = givenName(school.country, random);
  return {
    given,
    family,
    email: `${folded(given).slice(0, 1)}.${folded(family)}.${teacher.number}@${school.emailDomain}`,
  };
}

/** Teachers of every site; some also work at the next one. One teacher of each school has no e-mail address. */
export function* teachers(school: School): Generator<PersonRecord> {
  for (const context of contextsOf(school)) {
    const next = siteAt(school, context.index + 1);
    for (const teacher of context.timetable().teachers) {
      const { given, family, email } = teacherName(school, teacher);
      const identifier = `${context.site.code}${String(teacher.number).padStart(3, '0')}`;
      yield {
        ...base(school, teacher.id, context.index === 0 && teacher.number === 2 ? 35 : 0),
        kind: 'teacher',
        username: identifier.toLowerCase(),
        identifier,
        given,
        middle: '',
        family,
        preferred: '',
        email: context.index === 0 && teacher.number === 5 ? '' : email,
        phone: `+00 555 1${String(100 + teacher.number)}`,
        sms: '',
        enabled: true,
        grades: [],
        roles: [
          { role: 'teacher', orgId: context.siteId, primary: true },
          ...(teacher.alsoAtNextSite && next !== undefined
            ? [{ role: 'teacher' as const, orgId: siteIdOf(school, next), primary: false }]
            : []),
        ],
        agentIds: [],
        stream: null,
      };
    }
  }
}

const STAFF: readonly PersonRole[] = ['principal', 'counselor', 'aide', 'siteAdministrator'];

/** People who neither teach nor learn: the heads, the counsellors, the aides and the administrators. */
export function* staff(school: School): Generator<PersonRecord> {
  const person = (key: string, role: PersonRole, orgId: string, number: string): PersonRecord => {
    const id = uuidFor(`${school.seed}/staff/${key}`);
    const random = prngFor(`${id}/name`);
    const family = joined(familyName(school.country, random));
    const { given } = givenName(school.country, random);
    return {
      ...base(school, id),
      kind: 'staff',
      username: number.toLowerCase(),
      identifier: number,
      given,
      middle: '',
      family,
      preferred: '',
      email: `${folded(given).slice(0, 1)}.${folded(family)}.${number.toLowerCase()}@${school.emailDomain}`,
      phone: '',
      sms: '',
      enabled: true,
      grades: [],
      roles: [{ role, orgId, primary: true }],
      agentIds: [],
      stream: null,
    };
  };
  yield person('district', 'districtAdministrator', districtId(school), 'DA001');
  for (const { site } of sitesOf(school)) {
    for (const [n, role] of STAFF.entries())
      yield person(`${site.code}/${role}`, role, siteIdOf(school, site), `${site.code}9${n}0`);
  }
}

/** Parents, guardians and relatives; brothers and sisters share theirs, and one of them is a teacher under another id. */
export function* guardians(school: School): Generator<PersonRecord> {
  for (const context of contextsOf(school)) {
    for (const place of seatsOf(context)) {
      const { homeroom, seat } = place;
      if (householdOf(context, homeroom.index, seat) !== homeroom.index) continue;
      const children = [place.id];
      for (let next = homeroom.index + 1; livesWithPrevious(context, next, seat); next++) {
        children.push(uuidFor(`${school.seed}/student/${seatKey(at(context.homerooms, next), seat)}`));
      }
      for (const [n, { id, role }] of guardiansOf(context, homeroom.index, seat).entries()) {
        const random = prngFor(`${id}/name`);
        const own = n === 0 ? random.chance(0.85) : random.chance(0.5);
        const drawn = joined(own ? householdName(context, homeroom.index, seat) : familyName(school.country, random));
        const teacher = homeroom.index === 0 && seat === 0 && n === 0 ? context.timetable().teachers[0] : undefined;
        const twin = teacher === undefined ? undefined : teacherName(school, teacher);
        const given = twin?.given ?? givenName(school.country, random).given;
        const family = twin?.family ?? drawn;
        yield {
          ...base(school, id),
          kind: 'guardian',
          username: random.chance(0.2) ? '' : `g${id.slice(0, 8)}`,
          identifier: '',
          given,
          middle: '',
          family,
          preferred: '',
          email:
            twin?.email ??
            (random.chance(0.1) ? '' : `${folded(given)}.${folded(family)}.${random.int(10_000)}@mail.example`),
          phone: `+00 555 2${random.int(900) + 100}`,
          sms: random.chance(0.7) ? `+00 555 3${random.int(900) + 100}` : '',
          enabled: true,
          grades: [],
          roles: [{ role, orgId: context.siteId, primary: true }],
          agentIds: children,
          stream: null,
        };
      }
    }
  }
}

/** Everybody: staff, teachers, students, guardians. */
export function* people(school: School): Generator<PersonRecord> {
  yield* staff(school);
  yield* teachers(school);
  yield* students(school);
  yield* guardians(school);
}

function teacherOfClass(context: SiteContext, plan: ClassPlan): TeacherPlan {
  const { teachers: all } = context.timetable();
  const able = plan.kind === 'homeroom' ? all : all.filter(({ subject }) => subject.key === plan.subject.key);
  return at(able, draw(`${context.school.seed}/teaches/${plan.key}`, able.length));
}

type Follows = (plan: ClassPlan, siteId: string) => EnrolmentRecord;

/** The classes that a student follows: homeroom, core groups, two electives, and for some the talent class or an orchestra. */
function* classesOfSeat(place: Seat, record: Follows): Generator<EnrolmentRecord> {
  const { context, homeroom, key } = place;
  const { school, siteId } = context;
  const start = keysOf(school);
  const { classesOf, talent, orchestra } = context.timetable();
  const { own, core, electives } = at(classesOf, homeroom.index);
  yield record(own, siteId);
  for (const plan of core) yield record(plan, siteId);
  const first = drawAfter(start.choice1, key, electives.length);
  const second = (first + 1 + drawAfter(start.choice2, key, electives.length - 1)) % electives.length;
  for (const choice of [first, second]) {
    const groups = at(electives, choice);
    yield record(at(groups, drawAfter(start.group, key, groups.length, `/${choice}`)), siteId);
  }
  if (drawAfter(start.talent, key, 41) === 0) yield record(talent, siteId);
  if (drawAfter(start.orchestra, key, 25) === 0) yield record(orchestra, siteId);
  const guestAt = attendsNextSite(place);
  const next = guestAt === null ? undefined : siteAt(school, context.index + 1);
  if (guestAt !== null && next !== undefined) yield record(orchestraPlan(school, next), guestAt);
}

/** Who is in which class, teachers first. */
export function* enrolments(school: School): Generator<EnrolmentRecord> {
  const begin = `${school.schoolYear}-08-17`;
  const end = `${school.schoolYear + 1}-07-10`;
  let visiting: readonly TeacherPlan[] = [];
  /** Keys of the enrolments of each class, begun once; of one site at a time. */
  const starts = new Map<ClassPlan, KeyStart>();
  const record = (
    personId: string,
    plan: ClassPlan,
    siteId: string,
    role: EnrolmentRecord['role'],
    primary: boolean,
    leftAfterDays: number,
  ): EnrolmentRecord => {
    const start = starts.get(plan) ?? startKey(`${school.seed}/enrolment/${plan.key}/`);
    starts.set(plan, start);
    const id = uuidAfter(start, personId);
    return {
      id,
      status: leftAfterDays > 0 ? 'tobedeleted' : 'active',
      modified: momentOf(school.schoolYear, leftAfterDays, drawWithEnd(id, '/modified', MINUTES)),
      personId,
      classId: plan.id,
      siteId,
      role,
      primary,
      begin,
      end,
    };
  };
  for (const context of contextsOf(school)) {
    const { siteId } = context;
    starts.clear();
    for (const plan of context.timetable().classes) {
      yield record(teacherOfClass(context, plan).id, plan, siteId, 'teacher', true, 0);
      const guest = visiting.find(({ subject }) => plan.kind === 'scheduled' && subject.key === plan.subject.key);
      if (guest !== undefined && draw(`${school.seed}/co-teaches/${plan.key}`, 4) === 0) {
        yield record(guest.id, plan, siteId, 'teacher', false, 0);
      }
    }
    for (const place of seatsOf(context)) {
      const days = place.left ? 40 : 0;
      yield* classesOfSeat(place, (plan, site) => record(place.id, plan, site, 'student', false, days));
    }
    visiting = context.timetable().teachers.filter((teacher) => teacher.alsoAtNextSite);
  }
}

const raceFlags = [
  'americanIndianOrAlaskaNative',
  'asian',
  'blackOrAfricanAmerican',
  'nativeHawaiianOrOtherPacificIslander',
  'white',
  'demographicRaceTwoOrMoreRaces',
  'hispanicOrLatinoEthnicity',
] as const;

/** Birth date and the rest, for students only; race flags in American schools only. */
export function* demographics(school: School): Generator<DemographicRecord> {
  for (const context of contextsOf(school)) {
    for (const place of seatsOf(context)) {
      const random = prngFor(`${school.seed}/demographics/${place.key}`);
      const age = Number.parseInt(place.homeroom.plan.stream.grade, 10) + 5;
      const born = Date.UTC(school.schoolYear - age, 8, 30) - random.int(365) * DAY;
      const turn = random.int(100);
      const flag = random.pick(raceFlags);
      yield {
        ...base(school, place.id, place.left ? 40 : 0),
        birthDate: new Date(born).toISOString().slice(0, 10),
        sex: turn < 49 ? 'female' : turn < 98 ? 'male' : 'unspecified',
        flags: school.country === 'US' ? Object.fromEntries(raceFlags.map((name) => [name, name === flag])) : {},
        countryOfBirth: school.country,
        stateOfBirth: school.country === 'US' ? 'WA' : '',
        cityOfBirth: random.chance(0.5) ? `${at(['New', 'Old', 'Upper', 'Lower'], random.int(4))} Lindenberg` : '',
      };
    }
  }
}
