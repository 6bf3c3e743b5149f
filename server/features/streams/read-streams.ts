import { and, count, desc, eq, gt, inArray, isNull, like, min } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { auditEntry, rosterGroup, rosterStream, streamAssignment, streamChoice, syncRun } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { isOwn } from './stream-words.ts';

interface OfSystem {
  readonly schoolId: string;
  readonly systemId: string;
}

export interface ShownStream {
  readonly sourceId: string;
  /** As it will be called from the next run on. */
  readonly name: string;
  readonly programme: string | null;
  readonly level: string | null;
  readonly year: string | null;
  readonly code: string | null;
  readonly derivedFrom: (typeof rosterStream.$inferSelect)['derivedFrom'];
  /** What the school chose for it; null where nothing. */
  readonly choice: {
    readonly name: string | null;
    readonly programme: string | null;
    readonly level: string | null;
    readonly year: string | null;
  } | null;
  readonly mergedInto: string | null;
  /** Groups of it as the last run filed them. */
  readonly groups: number;
  /** Groups that the school files under it by hand. */
  readonly byHand: number;
  /** Not there yet, or not any more: the next run decides. */
  readonly inRoster: boolean;
}

/** A system's streams with what the school made of them: derived ones, merged ones and those of the school's own list. */
export async function readStreams(tx: Tx, { schoolId, systemId }: OfSystem): Promise<ShownStream[]> {
  const rows = await tx
    .select()
    .from(rosterStream)
    .where(and(eq(rosterStream.schoolId, schoolId), eq(rosterStream.systemId, systemId)));
  const choices = await tx
    .select()
    .from(streamChoice)
    .where(and(eq(streamChoice.schoolId, schoolId), eq(streamChoice.systemId, systemId)));
  const groups = await tx
    .select({ stream: rosterGroup.streamSourceId, groups: count() })
    .from(rosterGroup)
    .where(and(eq(rosterGroup.schoolId, schoolId), eq(rosterGroup.systemId, systemId), isNull(rosterGroup.goneAt)))
    .groupBy(rosterGroup.streamSourceId);
  const assigned = await tx
    .select({ stream: streamAssignment.streamSourceId, groups: count() })
    .from(streamAssignment)
    .where(and(eq(streamAssignment.schoolId, schoolId), eq(streamAssignment.systemId, systemId)))
    .groupBy(streamAssignment.streamSourceId);
  const groupsOf = new Map(groups.map((row) => [row.stream, row.groups]));
  const byHandOf = new Map(assigned.map((row) => [row.stream, row.groups]));
  const choiceOf = new Map(choices.map((choice) => [choice.sourceId, choice]));
  const rowOf = new Map(rows.map((row) => [row.sourceId, row]));
  const shown = [...new Set([...rowOf.keys(), ...choiceOf.keys()])].flatMap((sourceId): ShownStream[] => {
    const row = rowOf.get(sourceId);
    const choice = choiceOf.get(sourceId);
    // One that is gone is shown only where the school made something of it.
    if (choice === undefined && (row === undefined || row.goneAt !== null)) return [];
    const own =
      choice === undefined
        ? null
        : { name: choice.name, programme: choice.programme, level: choice.level, year: choice.year };
    return [
      {
        sourceId,
        name: own?.name ?? row?.name ?? sourceId,
        programme: own?.programme ?? row?.programme ?? null,
        level: own?.level ?? row?.level ?? null,
        year: own?.year ?? row?.year ?? null,
        code: row?.code ?? null,
        derivedFrom: isOwn(sourceId) ? 'school-list' : (row?.derivedFrom ?? 'school-list'),
        choice: own,
        mergedInto: choice?.mergedInto ?? null,
        groups: groupsOf.get(sourceId) ?? 0,
        byHand: byHandOf.get(sourceId) ?? 0,
        inRoster: row !== undefined && row.goneAt === null,
      },
    ];
  });
  const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
  return shown.sort((a, b) => collator.compare(a.name, b.name) || (a.sourceId < b.sourceId ? -1 : 1));
}

/** A stream of the system, derived or of the school's own list. @throws CrosswalkError `not-found` */
export async function streamInSystem(tx: Tx, of: OfSystem, sourceId: string): Promise<ShownStream> {
  const stream = (await readStreams(tx, of)).find((candidate) => candidate.sourceId === sourceId);
  if (stream === undefined) throw new CrosswalkError('not-found');
  return stream;
}

/** Since when something was changed here that no finished run has read; null where all is applied. */
export async function unappliedSince(tx: Tx, { schoolId, systemId }: OfSystem): Promise<Date | null> {
  const [run] = await tx
    .select({ startedAt: syncRun.startedAt })
    .from(syncRun)
    .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, systemId), inArray(syncRun.state, ['succeeded'])))
    .orderBy(desc(syncRun.startedAt))
    .limit(1);
  const [change] = await tx
    .select({ at: min(auditEntry.at) })
    .from(auditEntry)
    .where(
      and(
        eq(auditEntry.schoolId, schoolId),
        eq(auditEntry.subjectId, systemId),
        like(auditEntry.action, 'streams.%'),
        run?.startedAt == null ? undefined : gt(auditEntry.at, run.startedAt),
      ),
    );
  return change?.at ?? null;
}
