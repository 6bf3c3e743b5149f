import { z } from 'zod';
import type { Slice } from '#server/roster/fetch-slice.ts';
import { type JobClient, on } from '../client.ts';
import { isErrorCode } from '../error-codes.ts';
import type { JobPorts } from '../ports.ts';

const errorSchema = z.object({ message: z.string().refine(isErrorCode) });

/** Unlogged tables can be lost once in a run by a crash of the database; twice is no accident. */
const mostRounds = 2;

/**
 * One sync of one system: begin, fetch in slices of under a minute, apply, announce. One at a time per school. What a step throws is
 * tried again where that makes sense, when the system says; else the run ends and its connection hears the cause.
 */
export const syncSystem = (client: JobClient, ports: Pick<JobPorts, 'sync'>) =>
  client.createFunction(
    {
      id: 'sync-system',
      triggers: [on('sync/requested')],
      concurrency: [{ limit: 1, key: 'event.data.schoolId' }, { limit: 4 }],
      retries: 6,
    },
    async ({ event, step, runId }) => {
      const run = { ...event.data, runId };
      let fence: number | null = null;
      try {
        for (let round = 0; round <= mostRounds; round++) {
          const begun = await step.run(`begin-${round}`, () => ports.sync.begin(run));
          if (begun.kind === 'over') return;
          fence = begun.fence;
          const held = { ...run, fence: begun.fence };
          if (begun.kind === 'nothing-granted') {
            await step.run('purge', () => ports.sync.endWithoutGrants(held));
            return;
          }
          if (begun.kind === 'undo') {
            await step.run('undo', () => ports.sync.undo(held));
            return;
          }
          const { toFetch } = begun;
          const { uploadId } = toFetch;
          if (uploadId !== null && begun.kind === 'fetch') {
            await step.run(`package-${round}`, () => ports.sync.stagePackage(held, uploadId));
          }
          let isWhole = true;
          for (const collection of begun.kind === 'approved' ? [] : toFetch.collections) {
            const since = toFetch.since[collection] ?? null;
            let at: Slice = { cursor: null, page: 0, waitSeconds: null };
            do {
              const { cursor, page } = at;
              const name = `fetch-${round}-${collection}-${page}`;
              at = await step.run(name, () => ports.sync.fetchSlice(held, { collection, cursor, page, since }));
              if (at.isStale === true) return;
              if (at.waitSeconds !== null) {
                await step.sleep(`wait-${round}-${collection}-${at.page}`, `${at.waitSeconds}s`);
              }
            } while (at.cursor !== null);
            isWhole = at.readAll !== true;
            if (!isWhole) break;
          }
          // A system that cannot tell what was modified is asked for all, once.
          if (!isWhole) continue;
          const finished = await step.run(`apply-${round}`, () => ports.sync.apply(held, toFetch));
          if (finished.outcome === 'staging-lost') continue;
          await step.run('announce', () => ports.sync.announce(run, finished));
          return;
        }
        await step.run('give-up', () => ports.sync.fail({ ...run, fence }, 'database-down'));
      } catch (error) {
        const parsed = errorSchema.safeParse(error);
        await step.run('fail', () =>
          ports.sync.fail({ ...run, fence }, parsed.success ? parsed.data.message : 'internal'),
        );
      }
    },
  );
