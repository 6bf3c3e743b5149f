import { call, type MoodleSession } from '#server/connectors/moodle/client.ts';
import { madeSchema, type StandingGroup, voidSchema } from '#server/connectors/moodle/wire.ts';
import type { PushBatch, PushChange, PushOutcome } from '#server/connectors/push-contract.ts';
import { longest, nameFor } from './moodle-text.ts';
import { done, idOf, refused, unknown } from './outcome.ts';
import { groupsOf } from './reads.ts';
import { type Deadline, sendHalving } from './send.ts';

type SectionChange = PushChange<'section'>;
type Groups = Map<number, readonly StandingGroup[] | null>;

const courseIdOf = (change: SectionChange) => idOf(change.content?.course.foreignId);

/** A teaching group is a group in a course: its name and its id number stand only once in it. */
export async function deliverSections(
  session: MoodleSession,
  batch: PushBatch<'section'>,
  deadline: Deadline,
): Promise<readonly PushOutcome[]> {
  const before = await groupsOfAll(session, batch.changes);
  const outcomes: PushOutcome[] = [];
  const wanted: { change: SectionChange; row: { [field: string]: string | number } }[] = [];
  const names = new Map<number, Set<string>>();
  for (const [courseId, groups] of before) names.set(courseId, new Set((groups ?? []).map(({ name }) => name)));
  const freeName = (courseId: number, name: string, own: string | null) => {
    const taken = names.get(courseId) ?? new Set();
    if (own !== null) taken.delete(own);
    let free = name;
    for (let n = 2; taken.has(free); n += 1) free = `${name} (${n})`;
    taken.add(free);
    return free;
  };
  for (const change of batch.changes) {
    const courseId = courseIdOf(change);
    const groups = courseId === null ? null : (before.get(courseId) ?? null);
    if (courseId === null || groups === null) {
      outcomes.push(batch.action === 'remove' ? done(change, null) : refused(change, 'parent-missing'));
      continue;
    }
    const holder = groups.find(({ idnumber }) => idnumber === change.key);
    const there = groups.find(({ id }) => id === idOf(change.foreignId));
    const name = change.content?.name ?? null;
    if (batch.action === 'create') {
      if (holder !== undefined) outcomes.push(done(change, holder.id, holder.name));
      else if (name === null) outcomes.push(refused(change, 'name-refused'));
      else {
        const free = freeName(courseId, nameFor(name, longest.group), null);
        wanted.push({ change, row: { courseid: courseId, name: free, description: '', idnumber: change.key } });
      }
    } else if (there === undefined) {
      outcomes.push(batch.action === 'remove' ? done(change, null) : refused(change, 'gone-over-there'));
    } else if (batch.action === 'update' && name !== null) {
      const wantedName = nameFor(name, longest.group);
      wanted.push({ change, row: { id: there.id, name: freeName(courseId, wantedName, there.name) } });
    } else if (batch.action === 'adopt') {
      const own = there.idnumber ?? '';
      if ((own !== '' && own !== change.key) || (holder !== undefined && holder.id !== there.id))
        outcomes.push(refused(change, 'key-taken'));
      else wanted.push({ change, row: { id: there.id, name: there.name, idnumber: change.key } });
    } else if (batch.action === 'remove') wanted.push({ change, row: { id: there.id } });
    // A group has no state of its own: who is in it has.
    else outcomes.push(done(change, there.id, there.name));
  }
  if (wanted.length === 0) return outcomes;
  const sent = await sendHalving(deadline, wanted, async (rows) => {
    const groups = rows.map(({ row }) => row);
    if (batch.action === 'create')
      await call(session, 'core_group_create_groups', { groups }, madeSchema, (made) => made.length);
    else if (batch.action === 'remove')
      await call(
        session,
        'core_group_delete_groups',
        { groupids: rows.map(({ row }) => Number(row.id)) },
        voidSchema,
        () => rows.length,
      );
    else await call(session, 'core_group_update_groups', { groups }, voidSchema, () => rows.length);
  });
  const after = await groupsOfAll(
    session,
    wanted.map(({ change }) => change),
  );
  for (const row of wanted) {
    const { change } = row;
    const groups = after.get(courseIdOf(change) ?? 0) ?? [];
    const id = idOf(change.foreignId);
    const there = groups.find((group) => (batch.action === 'create' ? group.idnumber === change.key : group.id === id));
    const code = sent.refused.get(row);
    const isThere =
      there !== undefined &&
      there.name === (row.row.name ?? there.name) &&
      (row.row.idnumber === undefined || there.idnumber === row.row.idnumber);
    if (batch.action === 'remove' ? there === undefined : isThere)
      outcomes.push(done(change, there?.id ?? null, there?.name ?? null));
    else if (sent.unsent.has(row)) outcomes.push(unknown(change));
    else if (code === undefined) outcomes.push(refused(change, 'not-written'));
    else outcomes.push(refused(change, problemOf(code), { code }));
  }
  return outcomes;
}

const problemOf = (code: string) =>
  code === 'idnumbertaken'
    ? 'key-taken'
    : code === 'errorcoursecontextnotvalid'
      ? 'parent-missing'
      : code === 'nopermissions' || code === 'requireloginerror'
        ? 'rights-missing'
        : 'refused';

async function groupsOfAll(session: MoodleSession, changes: readonly SectionChange[]): Promise<Groups> {
  const found: Groups = new Map();
  for (const change of changes) {
    const courseId = courseIdOf(change);
    if (courseId !== null && !found.has(courseId)) found.set(courseId, await groupsOf(session, courseId));
  }
  return found;
}
