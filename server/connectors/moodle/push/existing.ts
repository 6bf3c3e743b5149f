import type { MoodleSession } from '#server/connectors/moodle/client.ts';
import { roleIdsOf } from '#server/connectors/moodle/settings.ts';
import type { StandingUser } from '#server/connectors/moodle/wire.ts';
import type {
  ExistingAsk,
  ExistingPage,
  ExistingRecord,
  ForeignImport,
  Probe,
  PushEntity,
  Reading,
  Reference,
} from '#server/connectors/push-contract.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idOf } from './outcome.ts';
import {
  allCategories,
  allCourses,
  cohortsFrom,
  enrolledIn,
  groupsOf,
  isDeleted,
  membersOf,
  usersBy,
} from './reads.ts';

/** The front page of the site, which Moodle keeps as a course. */
const siteCourse = 1;

export const reading: Readonly<Record<PushEntity, Reading | null>> = {
  term: null,
  category: { by: 'pages', most: 1 },
  course: { by: 'pages', most: 1 },
  section: { by: 'within', most: 25 },
  cohort: { by: 'pages', most: 1 },
  user: { by: 'look-up', most: 50 },
  enrolment: { by: 'within', most: 10 },
  membership: { by: 'within', most: 25 },
};

const blank = {
  code: null,
  email: null,
  userForeignId: null,
  parentForeignId: null,
  role: null,
  state: 'active',
} as const satisfies Partial<ExistingRecord>;

/** An id number that is left out may not be seen; of an empty one nothing is known but that it is empty. */
const keyOf = (idnumber: string | null | undefined): ExistingRecord['key'] =>
  idnumber === undefined ? 'hidden' : idnumber === null || idnumber === '' ? null : idnumber;

export async function* readExisting(session: MoodleSession, ask: ExistingAsk): AsyncGenerator<ExistingPage> {
  if (ask.by === 'pages') yield await pageOf(session, ask.entity, ask.cursor);
  else if (ask.by === 'look-up') yield { records: await lookUp(session, ask.entity, ask.probes), cursor: null };
  else for (const parent of ask.parents) yield { records: await within(session, ask.entity, parent), cursor: null };
}

const notRead = (entity: PushEntity) => new CrosswalkError('internal', { details: { problem: 'not-read-so', entity } });

async function pageOf(session: MoodleSession, entity: PushEntity, cursor: string | null): Promise<ExistingPage> {
  if (entity === 'category') {
    const categories = await allCategories(session);
    const records = categories.map(({ id, name, idnumber }) => ({
      ...blank,
      foreignId: String(id),
      key: keyOf(idnumber),
      name,
    }));
    return { records, cursor: null };
  }
  if (entity === 'course') {
    const courses = (await allCourses(session)).filter(({ id }) => id !== siteCourse);
    const records = courses.map((course) => ({
      ...blank,
      foreignId: String(course.id),
      key: keyOf(course.idnumber),
      name: course.fullname,
      code: course.shortname,
      state: course.visible === 0 ? ('suspended' as const) : ('active' as const),
    }));
    return { records, cursor: null };
  }
  if (entity === 'cohort') {
    const { cohorts, next } = await cohortsFrom(session, Number(cursor ?? '0'));
    const records = cohorts.map((cohort) => ({
      ...blank,
      foreignId: String(cohort.id),
      key: keyOf(cohort.idnumber),
      name: cohort.name,
      state: cohort.visible ? ('active' as const) : ('suspended' as const),
    }));
    return { records, cursor: next === null ? null : String(next) };
  }
  throw notRead(entity);
}

/** Those whom a probe fits by its id, our key, its login or its address. */
async function lookUp(session: MoodleSession, entity: PushEntity, probes: readonly Probe[]): Promise<ExistingRecord[]> {
  if (entity !== 'user') throw notRead(entity);
  const texts = (pick: (probe: Probe) => string | null) => probes.flatMap((probe) => pick(probe) ?? []);
  // Moodle tells upper and lower case apart when it is asked, and not when it refuses a double.
  const addresses = texts((probe) => probe.email).flatMap((email) => [email, email.toLowerCase()]);
  const found = new Map<number, StandingUser>();
  for (const users of [
    await usersBy(
      session,
      'id',
      texts((probe) => probe.foreignId),
    ),
    await usersBy(
      session,
      'idnumber',
      texts((probe) => probe.key),
    ),
    await usersBy(
      session,
      'username',
      texts((probe) => probe.code?.toLowerCase() ?? null),
    ),
    await usersBy(session, 'email', addresses),
  ]) {
    for (const user of users) found.set(user.id, user);
  }
  return [...found.values()].map((user) => ({
    ...blank,
    foreignId: String(user.id),
    // An empty id number is left out: that it can be seen at all was proved with the credential.
    key: keyOf(user.idnumber ?? null),
    name: user.fullname ?? null,
    code: user.username ?? null,
    email: isDeleted(user) ? null : (user.email ?? null),
    state: isDeleted(user) ? 'deleted' : user.suspended ? 'suspended' : 'active',
  }));
}

async function within(session: MoodleSession, entity: PushEntity, parent: Reference): Promise<ExistingRecord[]> {
  const id = idOf(parent.foreignId);
  if (id === null) return [];
  const parentForeignId = String(id);
  if (entity === 'section') {
    return ((await groupsOf(session, id)) ?? []).map((group) => ({
      ...blank,
      foreignId: String(group.id),
      key: keyOf(group.idnumber),
      name: group.name,
      parentForeignId,
    }));
  }
  if (entity === 'membership') {
    return [...((await membersOf(session, id)) ?? [])].map((userId) => ({
      ...blank,
      foreignId: `${id}:${userId}`,
      key: null,
      name: null,
      userForeignId: String(userId),
      parentForeignId,
    }));
  }
  if (entity !== 'enrolment') throw notRead(entity);
  const people = (await enrolledIn(session, id)) ?? new Map<never, never>();
  const roles = Object.entries(roleIdsOf(session.settings));
  return [...people].flatMap(([userId, person]): ExistingRecord[] => {
    const record = {
      ...blank,
      key: null,
      name: null,
      userForeignId: String(userId),
      parentForeignId,
      state: person.isSuspended ? ('suspended' as const) : ('active' as const),
    };
    const held = roles.filter(([, roleId]) => person.roleIds.has(roleId));
    // In no role of ours: somebody else's matter, but there.
    if (held.length === 0) return [{ ...record, foreignId: `${id}:${userId}:0` }];
    return held.map(([role, roleId]) => ({
      ...record,
      foreignId: `${id}:${userId}:${roleId}`,
      role: role === 'teacher' ? ('teacher' as const) : ('student' as const),
    }));
  });
}

/** Enrolment methods by which a Moodle is fed from elsewhere. */
const feeds = new Set(['database', 'flatfile', 'imsenterprise', 'ldap', 'oneroster', 'ues', 'lmb', 'sds']);

/** A course that another import enrols people into. */
export async function detectForeignImport(session: MoodleSession): Promise<ForeignImport | null> {
  for (const { enrollmentmethods } of await allCourses(session)) {
    const feed = enrollmentmethods.find((method) => feeds.has(method));
    if (feed !== undefined) return { by: `enrol_${feed}`, lastAt: null };
  }
  return null;
}
