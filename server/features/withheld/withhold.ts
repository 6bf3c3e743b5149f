import { and, eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { receipt, syncRun, withheldPerson } from '#db/schema/index.ts';
import type { PersonKind } from '#db/schema/vocabulary.ts';
import { lockSystemEvenRemoved } from '#server/features/connections/load-rows.ts';
import { settleAfterDiscard } from '#server/features/connections/sync-outcome.ts';
import { assertMayBeAsked } from '#server/features/sync/systems-with-grants.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import { noteWithheld } from '#server/roster/provider/note-withheld.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { rosterTables } from '#server/roster/roster-tables.ts';

/** Stands in place of a source's id until a run finds the id of who has the number. */
export const numberMark = 'number:';

/** Whom the school withholds, as far as it is known of him. */
export interface ToWithhold {
  readonly schoolId: string;
  readonly systemId: string;
  /** Ids under which the system tells of him. */
  readonly sourceIds: readonly string[];
  readonly number: string | null;
  readonly kind: PersonKind | null;
  readonly name: string;
  readonly reason: string | null;
  /** His row in the roster; null where he has none yet. */
  readonly personId: string | null;
  /** Another id by which rows of the system name him: of a replaced system, the one that went on to the new system. */
  readonly alsoAs?: string;
}

/** A large district is applied for minutes: who withholds somebody is told rather than kept waiting. */
const lockTimeout = '10s';

const counted = z.array(z.object({ n: z.coerce.number() }));

/**
 * Writes somebody down as withheld and deletes what rests of him: his row, further ids, enrolments, demographics, and what the change log
 * and held runs tell of him. The change log gets a `deleted` without content, so that whoever received him hears of it.
 * @returns the act, and how many records were deleted
 * @throws CrosswalkError `duplicate` where he is withheld already, `sync-under-way` where a run is being applied for longer than one waits
 */
export async function withhold(
  work: Work,
  { userId, ...who }: ToWithhold & { readonly userId: string },
): Promise<{ act: string; deleted: Record<string, number> }> {
  const { ctx, tx } = work;
  const { schoolId, systemId, personId } = who;
  const now = ctx.clock.now();
  const act = newId();
  await holdRunsBack(work, who);
  if (personId !== null) await noteWithheld(tx, { schoolId, systemId, personId, now });
  const written = await tx
    .insert(withheldPerson)
    .values(
      [...new Set(who.sourceIds)].map((sourceId) => ({
        id: newId(),
        schoolId,
        systemId,
        sourceId,
        number: who.number,
        kind: who.kind,
        act,
        name: who.name,
        reason: who.reason,
        withheldBy: userId,
        withheldAt: now,
      })),
    )
    .onConflictDoNothing()
    .returning({ id: withheldPerson.id });
  if (written.length === 0) throw new CrosswalkError('duplicate');
  const deleted =
    personId === null ? {} : await forget(work, { schoolId, systemId, personId, act, alsoAs: who.alsoAs ?? personId });
  const total = Object.values(deleted).reduce((sum, n) => sum + n, 0);
  if (total > 0) {
    await tx.insert(receipt).values({
      id: newId(),
      schoolId,
      kind: 'data-deleted',
      subjectId: systemId,
      facts: { ...deleted, total },
      reason: 'withheld',
      at: now,
    });
  }
  work.audit({
    action: 'withheld.withheld',
    subjectKind: 'system',
    subjectId: systemId,
    details: { act, records: total },
  });
  return { act, deleted };
}

/** Deletes all that rests of a person of a system. @returns how many records of each collection */
async function forget(
  { ctx, tx }: Work,
  of: { schoolId: string; systemId: string; personId: string; act: string; alsoAs: string },
): Promise<Record<string, number>> {
  const { schoolId, systemId, personId, act, alsoAs } = of;
  const at = sql`${ctx.clock.now().toISOString()}::timestamptz`;
  const count = async (statement: ReturnType<typeof sql>) => {
    const [row] = counted.parse(await tx.execute(sql`with gone as (${statement}) select count(*) as n from gone`));
    return row?.n ?? 0;
  };
  const ofPerson = sql`school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid and person_id in (${personId}::uuid, ${alsoAs}::uuid)`;
  // What was told of him, in the change log and in runs that wait for a decision, before the ids are gone that lead to it.
  const records = sql`(select ${personId}::uuid union all select id from roster_enrolment where ${ofPerson}
                       union all select id from roster_demographics where ${ofPerson})`;
  const sources = sql`(select source_id from withheld_person where school_id = ${schoolId}::uuid and act = ${act}::uuid)`;
  await tx.execute(sql`
    update roster_change set before = null, after = null
     where school_id = ${schoolId}::uuid and record_id in ${records} and (before is not null or after is not null)`);
  await tx.execute(sql`
    delete from held_change h using sync_run r
     where h.school_id = ${schoolId}::uuid and r.id = h.sync_run_id and r.system_id = ${systemId}::uuid
       and (h.record_id in ${records} or (h.collection in ('students', 'teachers', 'guardians', 'demographics') and h.source_id in ${sources}))`);
  await tx.execute(sql`
    delete from set_aside_record a using sync_run r
     where a.school_id = ${schoolId}::uuid and r.id = a.sync_run_id and r.system_id = ${systemId}::uuid
       and a.collection in ('students', 'teachers', 'guardians', 'demographics') and a.source_id in ${sources}`);
  const log = (collection: ReturnType<typeof sql>, from: ReturnType<typeof sql>) =>
    tx.execute(sql`
      insert into roster_change (school_id, system_id, sync_run_id, collection, kind, record_id, at)
      select ${schoolId}::uuid, ${systemId}::uuid, ${act}::uuid, ${collection}, 'deleted', r.id, ${at} from ${from} and r.gone_at is null order by r.id`);
  await log(sql`'demographics'`, sql`roster_demographics r where ${ofPerson}`);
  await log(sql`'enrolments'`, sql`roster_enrolment r where ${ofPerson}`);
  const ofKind = sql.raw(rosterTables.people.collection.resting);
  await log(ofKind, sql`roster_person r where r.school_id = ${schoolId}::uuid and r.id = ${personId}::uuid`);
  const demographics = await count(sql`delete from roster_demographics where ${ofPerson} returning 1`);
  const enrolments = await count(sql`delete from roster_enrolment where ${ofPerson} returning 1`);
  // Guardians and children no longer name him.
  await tx.execute(sql`
    update roster_person set changed_at = ${at}, agent_source_ids = array(select id from unnest(agent_source_ids) as id where id not in ${sources})
     where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid and agent_source_ids && array${sources}`);
  await tx.execute(sql`delete from roster_person_alias where ${ofPerson}`);
  const people = z.array(z.object({ collection: z.string() })).parse(
    await tx.execute(sql`
      delete from roster_person r where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and r.id = ${personId}::uuid
      returning ${ofKind} as collection`),
  );
  return {
    ...Object.fromEntries(people.map(({ collection }) => [collection, 1])),
    ...(enrolments > 0 ? { enrolments } : {}),
    ...(demographics > 0 ? { demographics } : {}),
  };
}

/**
 * Waits for a run that is being applied and keeps the next one out until the caller's transaction ends: it reads the withheld in its own.
 * A run that waits for a decision is discarded with what is staged of it, where this person may stand.
 */
async function holdRunsBack(
  work: Work,
  { schoolId, systemId }: Pick<ToWithhold, 'schoolId' | 'systemId'>,
): Promise<void> {
  const { ctx, tx } = work;
  await tx.execute(sql`select set_config('lock_timeout', ${lockTimeout}, true)`);
  await lockSystemEvenRemoved(tx, schoolId, systemId);
  const runs = await tx
    .select({ id: syncRun.id, state: syncRun.state })
    .from(syncRun)
    .where(
      and(
        eq(syncRun.schoolId, schoolId),
        eq(syncRun.systemId, systemId),
        inArray(syncRun.state, ['queued', 'running', 'held']),
      ),
    )
    .orderBy(syncRun.id)
    .for('no key update');
  const held = runs.filter(({ state }) => state === 'held').map(({ id }) => id);
  if (held.length === 0) return;
  const now = ctx.clock.now();
  await tx
    .update(syncRun)
    .set({ state: 'discarded', held: null, finishedAt: now })
    .where(and(eq(syncRun.schoolId, schoolId), inArray(syncRun.id, held)));
  for (const id of held) await tx.execute(sql`select across.close_staging(${id}::uuid)`);
  await settleAfterDiscard(work, schoolId, systemId);
  if (await mayBeAsked(work, { schoolId, systemId })) {
    await requestRun(work, { schoolId, systemId, trigger: 'hand', requestedBy: userIdOf(ctx) });
  }
}

/** Whether a run may be asked for now. */
export async function mayBeAsked(
  { ctx, tx }: Work,
  { schoolId, systemId }: { schoolId: string; systemId: string },
): Promise<boolean> {
  try {
    await assertMayBeAsked(tx, { schoolId, systemId, now: ctx.clock.now() });
    return true;
  } catch (error) {
    if (isCrosswalkError(error)) return false;
    throw error;
  }
}
