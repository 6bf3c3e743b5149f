import { call, type MoodleSession } from '#server/connectors/moodle/client.ts';
import { roleIdsOf } from '#server/connectors/moodle/settings.ts';
import { voidSchema } from '#server/connectors/moodle/wire.ts';
import type { PushBatch, PushChange, PushOutcome, PushProblem } from '#server/connectors/push-contract.ts';
import { done, idOf, refused, unknown } from './outcome.ts';
import { coursesById, type Enrolled, enrolledIn, groupsOf, usersBy } from './reads.ts';
import { type Deadline, sendHalving } from './send.ts';
import { silence } from './silence.ts';

/** One person in one course, in one role, in a group of it or in none. */
interface Row {
  readonly change: PushChange<'enrolment'>;
  readonly userId: number;
  readonly courseId: number;
  readonly groupId: number | null;
  readonly roleId: number;
}
type People = ReadonlyMap<number, ReadonlyMap<number, Enrolled> | null>;

export async function deliverEnrolments(
  session: MoodleSession,
  batch: PushBatch<'enrolment'>,
  deadline: Deadline,
): Promise<readonly PushOutcome[]> {
  const roles = roleIdsOf(session.settings);
  const outcomes: PushOutcome[] = [];
  const rows: Row[] = [];
  for (const change of batch.changes) {
    const { content } = change;
    const userId = idOf(content?.user.foreignId);
    const courseId = idOf(content?.course.foreignId);
    const groupId = idOf(content?.section?.foreignId);
    if (content === null || userId === null) outcomes.push(refused(change, 'user-missing'));
    else if (courseId === null || (content.section !== null && groupId === null))
      outcomes.push(refused(change, 'parent-missing'));
    else rows.push({ change, userId, courseId, groupId, roleId: roles[content.role] });
  }
  const done =
    batch.action === 'suspend' || batch.action === 'remove'
      ? await leave(session, rows, batch.action === 'remove', Object.values(roles), deadline)
      : await enter(session, rows, batch.mayHaveBeenSent, deadline);
  return [...outcomes, ...done];
}

const meanings: Readonly<Record<string, PushProblem>> = {
  errorcoursecontextnotvalid: 'parent-missing',
  invaliduser: 'user-missing',
  userdeleted: 'user-missing',
  wsusercannotassign: 'role-refused',
  wsnoinstance: 'enrolment-closed',
  wscannotenrol: 'enrolment-closed',
  nopermissions: 'rights-missing',
  requireloginerror: 'rights-missing',
};

const peopleOf = async (session: MoodleSession, rows: readonly Row[]): Promise<People> => {
  const found = new Map<number, ReadonlyMap<number, Enrolled> | null>();
  for (const { courseId } of rows) if (!found.has(courseId)) found.set(courseId, await enrolledIn(session, courseId));
  return found;
};

/** Enrols. No end is given: it would make Moodle mail of its coming, and an enrolment ends here by being suspended. */
const enrol = (session: MoodleSession, rows: readonly Row[], isSuspended: boolean, roleOf = (row: Row) => row.roleId) =>
  call(
    session,
    'enrol_manual_enrol_users',
    {
      enrolments: rows.map((row) => ({
        roleid: roleOf(row),
        userid: row.userId,
        courseid: row.courseId,
        suspend: isSuspended ? 1 : 0,
      })),
    },
    voidSchema,
    () => rows.length,
  );

/** Whether somebody is in the course as wanted. */
function isIn(row: Row, people: People): boolean {
  const person = people.get(row.courseId)?.get(row.userId);
  if (person?.roleIds.has(row.roleId) !== true) return false;
  return row.groupId === null || person.groupIds.has(row.groupId);
}

async function enter(
  session: MoodleSession,
  all: readonly Row[],
  mayHaveBeenSent: boolean,
  deadline: Deadline,
): Promise<PushOutcome[]> {
  const outcomes: PushOutcome[] = [];
  const before: People = mayHaveBeenSent ? await peopleOf(session, all) : new Map();
  const rows: Row[] = [];
  for (const row of all) {
    const isThere = isIn(row, before) && before.get(row.courseId)?.get(row.userId)?.isSuspended === false;
    if (isThere) outcomes.push(done(row.change, null));
    else rows.push(row);
  }
  if (rows.length === 0) return outcomes;
  const { gone, loud } = await silence(
    session,
    rows.map(({ userId }) => userId),
  );
  const wanted: Row[] = [];
  for (const row of rows) {
    if (gone.has(row.userId)) outcomes.push(refused(row.change, 'user-missing'));
    else if (loud.has(row.userId)) outcomes.push(refused(row.change, 'rights-missing', { welcome: 'not-silenced' }));
    else wanted.push(row);
  }
  const sent = await sendHalving(deadline, wanted, async (part) => void (await enrol(session, part, false)));
  const inGroups = wanted.filter((row) => row.groupId !== null && !sent.refused.has(row) && !sent.unsent.has(row));
  const grouped = await sendHalving(deadline, inGroups, async (part) => {
    const members = part.flatMap(({ groupId, userId }) =>
      groupId === null ? [] : [{ groupid: groupId, userid: userId }],
    );
    await call(session, 'core_group_add_group_members', { members }, voidSchema, () => members.length);
  });
  const people = await peopleOf(session, wanted);
  // Moodle calls an enrolment suspended as well where the account is: that is another matter.
  const stillSuspended = wanted.filter(
    (row) => isIn(row, people) && people.get(row.courseId)?.get(row.userId)?.isSuspended,
  );
  const accounts = await usersBy(
    session,
    'id',
    stillSuspended.map(({ userId }) => String(userId)),
  );
  const suspendedAccounts = new Set(accounts.filter(({ suspended }) => suspended).map(({ id }) => id));
  const inactive = new Set(stillSuspended.filter(({ userId }) => !suspendedAccounts.has(userId)));
  const refusedOnes = [...sent.refused.keys(), ...grouped.refused.keys()];
  const courses = await coursesById(
    session,
    refusedOnes.map(({ courseId }) => courseId),
  );
  for (const row of wanted) {
    const { change } = row;
    const code = sent.refused.get(row) ?? grouped.refused.get(row);
    if (isIn(row, people) && !inactive.has(row)) outcomes.push(done(change, null));
    else if (sent.unsent.has(row) || grouped.unsent.has(row)) outcomes.push(unknown(change));
    else if (code === undefined) outcomes.push(refused(change, 'not-written'));
    // Of a course that is gone Moodle says no more than that a parameter is not valid; of a group likewise.
    else if (!courses.has(row.courseId) || grouped.refused.has(row))
      outcomes.push(refused(change, 'parent-missing', { code }));
    else outcomes.push(refused(change, meanings[code] ?? 'refused', { code }));
  }
  return outcomes;
}

/** What has to be done for somebody to leave, without taking away what another group or role of the course still gives. */
interface Leaving {
  readonly fromGroup: Row[];
  readonly role: Row[];
  readonly course: Row[];
}

async function leave(
  session: MoodleSession,
  rows: readonly Row[],
  isRemoved: boolean,
  ours: readonly number[],
  deadline: Deadline,
): Promise<PushOutcome[]> {
  if (rows.length === 0) return [];
  const before = await peopleOf(session, rows);
  const keyedGroups = new Set<number>();
  for (const courseId of new Set(rows.map((row) => row.courseId)))
    for (const { id, idnumber } of (await groupsOf(session, courseId)) ?? [])
      if ((idnumber ?? '') !== '') keyedGroups.add(id);
  const plan = planOf(rows, before, keyedGroups, ours);
  const codes = new Map<Row, string>();
  const unsent = new Set<Row>();
  const carryOut = async (part: readonly Row[], send: (some: readonly Row[]) => Promise<void>) => {
    const sent = await sendHalving(deadline, part, send);
    for (const [row, code] of sent.refused) codes.set(row, code);
    for (const row of sent.unsent) unsent.add(row);
  };
  await carryOut(plan.fromGroup, async (part) => {
    const members = part.flatMap(({ groupId, userId }) =>
      groupId === null ? [] : [{ groupid: groupId, userid: userId }],
    );
    await call(session, 'core_group_delete_group_members', { members }, voidSchema, () => members.length);
  });
  await carryOut(plan.role, async (part) => {
    const unassignments = part.map(({ roleId, userId, courseId }) => ({
      roleid: roleId,
      userid: userId,
      contextlevel: 'course',
      instanceid: courseId,
    }));
    await call(session, 'core_role_unassign_roles', { unassignments }, voidSchema, () => part.length);
  });
  if (isRemoved) {
    await carryOut(plan.course, async (part) => {
      const enrolments = part.map(({ userId, courseId }) => ({ userid: userId, courseid: courseId }));
      await call(session, 'enrol_manual_unenrol_users', { enrolments }, voidSchema, () => part.length);
    });
  } else {
    const { gone, loud } = await silence(
      session,
      plan.course.map(({ userId }) => userId),
    );
    const quiet = plan.course.filter(({ userId }) => !gone.has(userId) && !loud.has(userId));
    for (const row of plan.course) if (loud.has(row.userId)) codes.set(row, 'nopermissions');
    // A role has to be named and would be given: one that the person has already.
    const held = (row: Row) => {
      const person = before.get(row.courseId)?.get(row.userId);
      return person?.roleIds.has(row.roleId) === true
        ? row.roleId
        : (ours.find((roleId) => person?.roleIds.has(roleId)) ?? row.roleId);
    };
    await carryOut(quiet, async (part) => void (await enrol(session, part, true, held)));
  }
  const after = await peopleOf(session, rows);
  return rows.map((row) => {
    const { change } = row;
    const person = after.get(row.courseId)?.get(row.userId);
    const isOut = hasLeft(row, person, plan, isRemoved);
    if (isOut) return done(change, null);
    if (unsent.has(row)) return unknown(change);
    const code = codes.get(row);
    // Enrolled in yet another way, by somebody else: that is not ours to end.
    if (code === undefined) return done(change, null, null, { enrolledOtherwise: true });
    return refused(change, meanings[code] ?? 'refused', { code });
  });
}

function hasLeft(row: Row, person: Enrolled | undefined, plan: Leaving, isRemoved: boolean): boolean {
  if (person === undefined) return true;
  if (plan.fromGroup.includes(row)) return row.groupId === null || !person.groupIds.has(row.groupId);
  if (plan.role.includes(row)) return !person.roleIds.has(row.roleId);
  return plan.course.includes(row) ? !isRemoved && person.isSuspended : true;
}

/** Row by row on a picture that is kept up to date: of two groups that somebody leaves, the last one takes him out of the course. */
function planOf(
  rows: readonly Row[],
  before: People,
  keyedGroups: ReadonlySet<number>,
  ours: readonly number[],
): Leaving {
  const plan: Leaving = { fromGroup: [], role: [], course: [] };
  const left = new Map<string, { groups: Set<number>; roles: Set<number> }>();
  for (const row of rows) {
    const person = before.get(row.courseId)?.get(row.userId);
    if (person === undefined) continue;
    const place = `${row.courseId} ${row.userId}`;
    const now = left.get(place) ?? {
      groups: new Set([...person.groupIds].filter((id) => keyedGroups.has(id))),
      roles: new Set([...person.roleIds].filter((id) => ours.includes(id))),
    };
    left.set(place, now);
    const otherGroups = [...now.groups].filter((id) => id !== row.groupId).length;
    const otherRoles = [...now.roles].filter((id) => id !== row.roleId).length;
    if (row.groupId !== null && now.groups.has(row.groupId) && otherGroups > 0) {
      plan.fromGroup.push(row);
      now.groups.delete(row.groupId);
    } else if (otherRoles > 0) {
      if (now.roles.delete(row.roleId)) plan.role.push(row);
    } else if (row.groupId === null || otherGroups === 0) plan.course.push(row);
  }
  return plan;
}
