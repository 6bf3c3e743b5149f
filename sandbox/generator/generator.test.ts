import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  classes,
  courses,
  demographics,
  enrolments,
  guardians,
  orgs,
  people,
  sessions,
  students,
  teachers,
} from './collections.ts';
import { lmsCourses } from './lms.ts';
import { demoSlugs, schoolOf } from './school.ts';

const lindenhof = schoolOf({ slug: 'lindenhof' });
const everything = (school: ReturnType<typeof schoolOf>): string =>
  JSON.stringify(
    [orgs, sessions, courses, classes, people, enrolments, demographics, lmsCourses].map((make) => [...make(school)]),
  );

describe('determinism', () => {
  test('the same seed gives the same school, another seed or year another one', () => {
    expect(everything(schoolOf({ slug: 'lindenhof' }))).toBe(everything(lindenhof));
    const ids = (options: { seed?: string; schoolYear?: number }): string[] =>
      [...students(schoolOf({ slug: 'lindenhof', ...options }))].map(({ id }) => id);
    expect(ids({ seed: '2' })).not.toEqual(ids({}));
    expect([...sessions(schoolOf({ slug: 'lindenhof', schoolYear: 2027 }))][0]?.title).toBe('2027/2028');
  });

  test('the ids of demo records do not move between versions of the generator', () => {
    // Documents and seeded stories name these; a change here is a change of the demo.
    expect([...orgs(lindenhof)].map(({ name }) => name)).toEqual([
      'Lindenhof Schools',
      'Lindenhof College',
      'Lindenhof College: Science & Technology',
      'Lindenhof Vakcollege',
      "Lindenhof Lyceum 't Sticht",
    ]);
    expect([...students(lindenhof)][0]?.id).toBe('f7101b54-86bd-489b-b0d5-d5ab888e5acd');
    expect(createHash('sha256').update(everything(lindenhof)).digest('hex').slice(0, 16)).toBe('7a04b8cc1a70ec92');
  });
});

describe.each([
  ...demoSlugs.concat('some-other-school').map((slug) => ({ slug, size: 'demo' as const })),
  { slug: 'lindenhof', size: 'district' as const, sites: 3 },
])('$slug ($size)', (options) => {
  const school = schoolOf(options);

  test('ids are unique and every reference resolves', () => {
    const idsOf = (records: Iterable<{ id: string }>): Set<string> => {
      const list = [...records].map(({ id }) => id);
      const ids = new Set(list);
      expect(ids.size).toBe(list.length);
      return ids;
    };
    const org = idsOf(orgs(school));
    const session = idsOf(sessions(school));
    const course = idsOf(courses(school));
    const group = idsOf(classes(school));
    const person = idsOf(people(school));
    idsOf(enrolments(school));
    const dangling = [
      ...[...orgs(school)]
        .flatMap(({ parentId, childIds }) => [...childIds, ...(parentId === null ? [] : [parentId])])
        .filter((id) => !org.has(id)),
      ...[...sessions(school)]
        .flatMap(({ parentId, childIds }) => [...childIds, ...(parentId === null ? [] : [parentId])])
        .filter((id) => !session.has(id)),
      ...[...courses(school)].filter(({ siteId, schoolYearId }) => !org.has(siteId) || !session.has(schoolYearId)),
      ...[...classes(school)].filter(
        ({ courseId, siteId, termIds }) =>
          !course.has(courseId) || !org.has(siteId) || termIds.length === 0 || !termIds.every((id) => session.has(id)),
      ),
      ...[...people(school)].flatMap(({ agentIds }) => agentIds).filter((id) => !person.has(id)),
      ...[...people(school)].flatMap(({ roles }) => roles).filter(({ orgId }) => !org.has(orgId)),
      ...[...enrolments(school)].filter(
        ({ personId, classId, siteId }) => !person.has(personId) || !group.has(classId) || !org.has(siteId),
      ),
      ...[...demographics(school)].filter(({ id }) => !person.has(id)),
    ];
    expect(dangling).toEqual([]);
  });

  test('children and guardians name each other', () => {
    const children = new Map([...students(school)].map((student) => [student.id, student]));
    for (const guardian of guardians(school)) {
      for (const childId of guardian.agentIds) expect(children.get(childId)?.agentIds).toContain(guardian.id);
    }
  });
});

describe('Lindenhof', () => {
  const all = [...students(lindenhof)];

  test('has about 900 students on three sites', () => {
    expect(all.length).toBeGreaterThan(850);
    expect(all.length).toBeLessThan(950);
    expect(new Set(all.map(({ roles }) => roles[0]?.orgId)).size).toBe(3);
  });

  test('has streams of programme, level and year', () => {
    const streams = [...classes(lindenhof)].map(({ stream }) => stream?.name);
    for (const name of ['havo 4 Nature & Tech', 'vmbo-bk 3 Care & Welfare', 'gymnasium 6'])
      expect(streams).toContain(name);
  });

  test('has the oddities that break careless software', () => {
    const names = all.map(({ given, family }) => `${given} ${family}`);
    expect(all.some(({ family }) => family.length === 1)).toBe(true);
    expect(all.some(({ family }) => family.length > 80)).toBe(true);
    expect(names).toEqual(
      expect.arrayContaining(['Null Null', '小明 王', 'Ольга Щербакова', "Anne-Fleur van 't Wout-in der Maur"]),
    );
    expect(names.some((name) => name !== name.normalize('NFC'))).toBe(true);
    expect(all.some(({ email }) => email === '')).toBe(true);
    expect([...teachers(lindenhof)].filter(({ email }) => email === '')).toHaveLength(1);
    expect(all.some(({ roles }) => roles.length === 2)).toBe(true);
    const counts = new Set(all.map(({ agentIds }) => agentIds.length));
    expect(counts.has(0) && counts.has(2) && counts.has(3)).toBe(true);
  });

  test('has namesakes in one homeroom, brothers and sisters, and a teacher who is a parent under another id', () => {
    const homerooms = new Map(
      [...classes(lindenhof)]
        .filter(({ kind }) => kind === 'homeroom')
        .map(({ id }) => [id, new Map<string, number>()]),
    );
    const nameOf = new Map(all.map(({ id, given, family }) => [id, `${given} ${family}`]));
    for (const { personId, classId } of enrolments(lindenhof)) {
      const name = nameOf.get(personId);
      const counts = homerooms.get(classId);
      if (name !== undefined) counts?.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect([...homerooms.values()].some((counts) => [...counts.values()].includes(2))).toBe(true);
    const parents = [...guardians(lindenhof)];
    expect(parents.some(({ agentIds }) => agentIds.length > 1)).toBe(true);
    const teacherEmails = new Set([...teachers(lindenhof)].map(({ email }) => email));
    expect(parents.filter(({ email }) => email !== '' && teacherEmails.has(email)).length).toBeGreaterThan(0);
  });

  test('has people in several homerooms, guests at other sites and co-teachers', () => {
    const homerooms = new Set([...classes(lindenhof)].filter(({ kind }) => kind === 'homeroom').map(({ id }) => id));
    const perStudent = new Map<string, number>();
    const rows = [...enrolments(lindenhof)];
    for (const { personId, classId, role } of rows) {
      if (role === 'student' && homerooms.has(classId)) perStudent.set(personId, (perStudent.get(personId) ?? 0) + 1);
    }
    expect([...perStudent.values()].filter((count) => count === 2).length).toBeGreaterThan(5);
    expect(rows.some(({ role, primary }) => role === 'teacher' && !primary)).toBe(true);
  });

  test('invents nobody’s address: every e-mail ends in .example', () => {
    for (const { email } of people(lindenhof)) if (email !== '') expect(email.toLowerCase()).toMatch(/\.example$/);
  });

  test('the LMS has courses of the SIS and courses by hand', () => {
    const list = [...lmsCourses(lindenhof)];
    const linked = list.filter(({ sisId }) => sisId !== null).length;
    expect(linked).toBeGreaterThan(list.length * 0.4);
    expect(linked).toBeLessThan(list.length * 0.8);
  });
});

describe('larger sizes', () => {
  const sites = 3;
  const count = (records: Iterable<unknown>): number => {
    let n = 0;
    for (const _ of records) n += 1;
    return n;
  };

  test.each([
    { size: 'district' as const, studentCount: 50_000, enrolmentCount: 320_000, coreCount: 390_000 },
    { size: 'metropolis' as const, studentCount: 1_100_000, enrolmentCount: 7_000_000, coreCount: 8_480_000 },
  ])('$size has about $studentCount students, judged by its first sites', ({ size, ...wanted }) => {
    const share = schoolOf({ slug: 'lindenhof', size }).siteCount / sites;
    const sample = schoolOf({ slug: 'lindenhof', size, sites });
    const studentCount = count(students(sample)) * share;
    const enrolmentCount = count(enrolments(sample)) * share;
    const rest = [courses, classes, teachers].reduce((sum, make) => sum + count(make(sample)) * share, 0);
    expect(Math.abs(studentCount / wanted.studentCount - 1)).toBeLessThan(0.03);
    expect(Math.abs(enrolmentCount / wanted.enrolmentCount - 1)).toBeLessThan(0.03);
    expect(Math.abs((studentCount + enrolmentCount + rest) / wanted.coreCount - 1)).toBeLessThan(0.03);
  });

  test('stream from the first record on, and a sample of fewer sites is their beginning', () => {
    const first = (school: ReturnType<typeof schoolOf>): string[] => {
      const ids: string[] = [];
      for (const { id } of enrolments(school)) {
        ids.push(id);
        if (ids.length === 5000) break;
      }
      return ids;
    };
    const whole = first(schoolOf({ slug: 'lindenhof', size: 'metropolis' }));
    expect(new Set(whole).size).toBe(5000);
    expect(first(schoolOf({ slug: 'lindenhof', size: 'metropolis', sites: 2 }))).toEqual(whole);
  });
});
