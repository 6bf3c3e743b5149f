import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Collection } from '#server/connectors/contract.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { Context } from '#server/kernel/context.ts';
import { runWork } from '#server/kernel/verb.ts';
import { applyRun } from '#server/roster/apply-run.ts';
import { type Begun, beginRun, type ToFetch } from '#server/roster/begin-run.ts';
import { endWithoutGrants, failRun } from '#server/roster/end-run.ts';
import { fetchSlice, type Slice } from '#server/roster/fetch-slice.ts';
import { forgetOldChanges } from '#server/roster/forget-old-changes.ts';
import type { SyncPorts } from '#server/roster/ports.ts';
import { requestRun } from '#server/roster/request-run.ts';
import type { HeldRun, RunKey } from '#server/roster/run-lease.ts';
import { stagePackage } from '#server/roster/stage-package.ts';
import { type Undone, undoRun } from '#server/roster/undo-run.ts';

/** What came of applying: small and free of personal data. */
export type Finished = { readonly outcome: 'applied' | 'held' | 'staging-lost'; readonly records: number };

/** The steps of a sync, as the job calls them: ids, words and numbers in and out. */
export interface SyncWork {
  begin(run: RunKey & Acting): Promise<Begun>;
  endWithoutGrants(run: HeldRun & Acting): Promise<void>;
  fetchSlice(
    run: HeldRun & Acting,
    from: {
      readonly collection: Collection;
      readonly cursor: string | null;
      readonly page: number;
      readonly since: string | null;
    },
  ): Promise<Slice>;
  stagePackage(run: HeldRun & Acting, uploadId: string): Promise<void>;
  /** Takes the run back that this one was made to undo. */
  undo(run: HeldRun & Acting): Promise<Undone>;
  apply(run: HeldRun & Acting, toFetch: ToFetch): Promise<Finished>;
  announce(run: RunKey & Acting, finished: Finished): Promise<void>;
  fail(run: RunKey & Acting & { readonly fence: number | null }, code: string): Promise<void>;
  /** Requests a run for every system whose data is older than its school chose, outside the days left out. @returns how many */
  requestDue(acting: Acting): Promise<number>;
  /** Forgets the values of changes, and the content of who is gone, after the days for which a run can be taken back. @returns rows */
  forgetOldChanges(acting: Acting): Promise<number>;
}

/** The job's run, which stands as the actor in audit rows. */
interface Acting {
  readonly runId: string;
}

const dueSchema = z.array(
  z.object({
    school_id: z.uuid(),
    system_id: z.uuid(),
    connector: z.string(),
    settings: z.record(z.string(), z.unknown()),
  }),
);

/**
 * Joins the roster's stages, which run as the sync role, with what only the web role may do (tokens, states of connections, mail).
 * @param contexts a context for a job's run, with the database of either role
 */
export function createSyncWork(
  contexts: { readonly sync: (runId: string) => Context; readonly web: (runId: string) => Context },
  ports: SyncPorts,
): SyncWork {
  const portsOf = (runId: string): SyncPorts => ({
    withSession: (_ctx, use, run) => ports.withSession(contexts.web(runId), use, run),
    onSyncSucceeded: (_ctx, outcome) => ports.onSyncSucceeded(contexts.web(runId), outcome),
    onSyncHeld: (_ctx, outcome) => ports.onSyncHeld(contexts.web(runId), outcome),
    onSyncFailed: (_ctx, outcome) => ports.onSyncFailed(contexts.web(runId), outcome),
  });
  return {
    begin: (run) => beginRun(contexts.sync(run.runId), run),
    endWithoutGrants: (run) => endWithoutGrants(contexts.sync(run.runId), run),
    fetchSlice: (run, from) => fetchSlice(contexts.sync(run.runId), portsOf(run.runId), run, from),
    undo: (run) => undoRun(contexts.sync(run.runId), run),
    forgetOldChanges: ({ runId }) => forgetOldChanges(contexts.sync(runId)),
    stagePackage: (run, uploadId) => stagePackage(contexts.sync(run.runId), run, uploadId),
    apply: async (run, toFetch) => {
      const applied = await applyRun(contexts.sync(run.runId), run, toFetch);
      return { outcome: applied.outcome, records: applied.outcome === 'applied' ? applied.records : 0 };
    },
    announce: async ({ runId, ...run }, { outcome, records }) => {
      const ctx = contexts.web(runId);
      if (outcome === 'held') await ports.onSyncHeld(ctx, run);
      if (outcome === 'applied') await ports.onSyncSucceeded(ctx, { ...run, records, at: ctx.clock.now() });
    },
    fail: (run, code) => failRun(contexts.sync(run.runId), portsOf(run.runId), run, code),
    requestDue: async ({ runId }) => {
      const ctx = contexts.web(runId);
      const due = dueSchema.parse(
        await ctx.database.withoutSchool((tx) =>
          tx.execute(
            sql`select school_id, system_id, connector, settings from across.systems_due_for_sync(${ctx.clock.now().toISOString()}::timestamptz)`,
          ),
        ),
      );
      // What is handed in is read when it comes.
      const asked = due.filter(({ connector }) => connectorById(connector).source === 'asked');
      for (const { school_id: schoolId, system_id: systemId } of asked) {
        await runWork(ctx, { schoolId }, (work) => requestRun(work, { schoolId, systemId, trigger: 'schedule' }));
      }
      return asked.length;
    },
  };
}
