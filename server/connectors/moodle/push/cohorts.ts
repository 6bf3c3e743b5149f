import { call, type MoodleSession } from '#server/connectors/moodle/client.ts';
import { madeSchema, voidSchema, warningsSchema } from '#server/connectors/moodle/wire.ts';
import type { PushBatch, PushChange, PushOutcome } from '#server/connectors/push-contract.ts';
import { longest, nameFor } from './moodle-text.ts';
import { done, idOf, refused, unknown } from './outcome.ts';
import { allCohorts, membersOf } from './reads.ts';
import { type Deadline, sendHalving } from './send.ts';

type Row = { readonly [field: string]: string | number | { readonly type: string; readonly value: string } };

/** Has to be named at every write: a cohort is moved to whatever stands here. */
const wholeSite = { categorytype: { type: 'system', value: '' } };

/** Classes and streams are cohorts of the whole site. */
export async function deliverCohorts(
  session: MoodleSession,
  batch: PushBatch<'cohort'>,
  deadline: Deadline,
): Promise<readonly PushOutcome[]> {
  const before = await allCohorts(session);
  const known = new Map(before.map((cohort) => [cohort.id, cohort]));
  const keyed = new Map(before.map((cohort) => [cohort.idnumber ?? '', cohort]));
  const outcomes: PushOutcome[] = [];
  const wanted: { change: PushChange<'cohort'>; row: Row; isDeleted: boolean }[] = [];
  for (const change of batch.changes) {
    const there = known.get(idOf(change.foreignId) ?? 0);
    const holder = keyed.get(change.key);
    const name = change.content?.name ?? null;
    const write = (row: Row, isDeleted = false) => void wanted.push({ change, row, isDeleted });
    if (batch.action === 'create') {
      if (holder !== undefined) outcomes.push(done(change, holder.id, holder.name));
      else if (name === null) outcomes.push(refused(change, 'name-refused'));
      else write({ ...wholeSite, name: nameFor(name, longest.cohort), idnumber: change.key });
    } else if (there === undefined) {
      const isWanted = batch.action !== 'remove' && batch.action !== 'suspend';
      outcomes.push(isWanted ? refused(change, 'gone-over-there') : done(change, null));
    } else if (batch.action === 'adopt') {
      const own = there.idnumber ?? '';
      // Moodle does not look whether another has the id number.
      if ((own !== '' && own !== change.key) || (holder !== undefined && holder.id !== there.id))
        outcomes.push(refused(change, 'key-taken'));
      else write({ ...wholeSite, id: there.id, name: there.name, idnumber: change.key });
    } else if (batch.action === 'update') {
      write({ ...wholeSite, id: there.id, name: name === null ? there.name : nameFor(name, longest.cohort) });
    } else if (batch.action === 'remove') {
      const members = await membersOf(session, there.id);
      if (members === null || members.size === 0) write({ id: there.id }, true);
      else write({ ...wholeSite, id: there.id, name: there.name, visible: 0 });
    } else {
      write({ ...wholeSite, id: there.id, name: there.name, visible: batch.action === 'restore' ? 1 : 0 });
    }
  }
  if (wanted.length === 0) return outcomes;
  const sent = await sendHalving(deadline, wanted, async (rows) => {
    const cohorts = rows.filter(({ isDeleted }) => !isDeleted).map(({ row }) => row);
    const cohortids = rows.filter(({ isDeleted }) => isDeleted).map(({ row }) => Number(row.id));
    if (batch.action === 'create')
      await call(session, 'core_cohort_create_cohorts', { cohorts }, madeSchema, (made) => made.length);
    else if (cohorts.length > 0)
      await call(session, 'core_cohort_update_cohorts', { cohorts }, voidSchema, () => cohorts.length);
    if (cohortids.length > 0)
      await call(session, 'core_cohort_delete_cohorts', { cohortids }, voidSchema, () => cohortids.length);
  });
  const after = await allCohorts(session);
  for (const row of wanted) {
    const { change } = row;
    const id = idOf(change.foreignId);
    const there = after.find((cohort) =>
      batch.action === 'create' ? cohort.idnumber === change.key : cohort.id === id,
    );
    const code = sent.refused.get(row);
    const { name, idnumber, visible } = row.row;
    const isThere =
      there !== undefined &&
      there.name === name &&
      (idnumber === undefined || there.idnumber === idnumber) &&
      (visible === undefined || there.visible === (visible === 1));
    const isHidden = batch.action === 'remove' && !row.isDeleted;
    if (row.isDeleted ? there === undefined : isThere)
      outcomes.push(done(change, there?.id ?? null, there?.name ?? null, isHidden ? { hidden: true } : {}));
    else if (sent.unsent.has(row)) outcomes.push(unknown(change));
    // One with this id number in a category, or a cohort that was made in this moment.
    else if (code === 'invalidparameter' && batch.action === 'create')
      outcomes.push(refused(change, 'key-taken', { code }));
    else if (code === undefined) outcomes.push(refused(change, 'not-written'));
    else outcomes.push(refused(change, 'refused', { code }));
  }
  return outcomes;
}

/** Somebody in a class or a stream. Moodle does not say whom a warning is about, so that the members are read. */
export async function deliverMemberships(
  session: MoodleSession,
  batch: PushBatch<'membership'>,
  deadline: Deadline,
): Promise<readonly PushOutcome[]> {
  const isIn = batch.action !== 'suspend' && batch.action !== 'remove';
  const rows = batch.changes.map((change) => ({
    change,
    userId: idOf(change.content?.user.foreignId),
    cohortId: idOf(change.content?.cohort.foreignId),
  }));
  const before = await membersOfAll(session, rows);
  const wanted = rows.flatMap(({ change, userId, cohortId }) => {
    const members = before.get(cohortId ?? 0) ?? null;
    return userId === null || cohortId === null || members === null || members.has(userId) === isIn
      ? []
      : [{ change, userId, cohortId }];
  });
  const sent = await sendHalving(deadline, wanted, async (part) => {
    if (isIn) {
      const members = part.map(({ userId, cohortId }) => ({
        cohorttype: { type: 'id', value: cohortId },
        usertype: { type: 'id', value: userId },
      }));
      await call(session, 'core_cohort_add_cohort_members', { members }, warningsSchema, () => part.length);
    } else {
      const members = part.map(({ userId, cohortId }) => ({ cohortid: cohortId, userid: userId }));
      await call(session, 'core_cohort_delete_cohort_members', { members }, voidSchema, () => part.length);
    }
  });
  const unsent = new Set([...sent.unsent].map(({ change }) => change));
  const after = wanted.length === 0 ? before : await membersOfAll(session, rows);
  return rows.map(({ change, userId, cohortId }) => {
    const members = after.get(cohortId ?? 0) ?? null;
    if (userId === null) return refused(change, 'user-missing');
    // Who is in nothing is where who leaves should be.
    if (members === null) return isIn ? refused(change, 'parent-missing') : done(change, null);
    if (members.has(userId) === isIn) return done(change, null);
    if (unsent.has(change)) return unknown(change);
    return refused(change, isIn ? 'user-missing' : 'not-written');
  });
}

async function membersOfAll(session: MoodleSession, rows: readonly { readonly cohortId: number | null }[]) {
  const found = new Map<number, ReadonlySet<number> | null>();
  for (const { cohortId } of rows)
    if (cohortId !== null && !found.has(cohortId)) found.set(cohortId, await membersOf(session, cohortId));
  return found;
}
