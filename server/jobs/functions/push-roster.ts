import { z } from 'zod';
import { type JobClient, on } from '../client.ts';
import { isErrorCode } from '../error-codes.ts';
import type { JobPorts } from '../ports.ts';

const errorSchema = z.object({ message: z.string().refine(isErrorCode) });

/** How often a push waits for another one in the same LMS; then it gives way, and the next sync asks for it again. */
const mostWaits = 200;

/**
 * One push of one connection: begin, read what is there, plan, deliver, read back, close. One at a time per LMS. What a step throws is tried
 * again where that makes sense; else the push ends and its connection hears the cause.
 */
export const pushRoster = (client: JobClient, ports: Pick<JobPorts, 'push'>) =>
  client.createFunction(
    {
      id: 'push-roster',
      triggers: [on('push/requested')],
      concurrency: [{ limit: 1, key: 'event.data.systemId' }, { limit: 4 }],
      retries: 6,
    },
    async ({ event, step, runId }) => {
      const { schoolId, pushRunId } = event.data;
      const run = { schoolId, pushRunId, runId };
      let fence: number | null = null;
      try {
        let begun = await step.run('begin', () => ports.push.begin(run));
        for (let waits = 0; begun.kind === 'busy'; waits++) {
          if (waits === mostWaits) {
            await step.run('give-way', () => ports.push.fail({ ...run, fence }, 'jobs-down'));
            return;
          }
          await step.sleep(`busy-${waits}`, `${begun.waitSeconds}s`);
          begun = await step.run(`begin-${waits}`, () => ports.push.begin(run));
        }
        if (begun.kind === 'over') return;
        const { systemId, connectionId, entities, manner, isRead, isPlanned, isHandedOver, ending } = begun;
        fence = begun.fence;
        const held = { ...run, fence: begun.fence, systemId, connectionId };
        const read = async (name: string, of: typeof entities) => {
          for (const entity of of) {
            let page = 0;
            for (let slice = 0; ; slice++) {
              const from = page;
              const at = await step.run(`${name}-${entity}-${slice}`, () =>
                ports.push.read(held, { entity, page: from }),
              );
              if (at.waitSeconds !== null) await step.sleep(`wait-${name}-${entity}-${slice}`, `${at.waitSeconds}s`);
              if (at.isOver) break;
              page = at.page;
            }
          }
        };
        if (!isPlanned && !isHandedOver) {
          if (!isRead) {
            if (ending === null) await step.run('foreign-import', () => ports.push.refuseForeignImport(held));
            await read('read', entities);
          }
          const decided = await step.run('decide', () => ports.push.decide(held));
          if (decided.outcome === 'held') {
            await step.run('announce-held', () => ports.push.announceHeld(held));
            return;
          }
        }
        let stage: number | null = isHandedOver ? null : 0;
        for (let slice = 0; stage !== null; slice++) {
          const from: number = stage;
          const at = await step.run(`deliver-${slice}`, () => ports.push.deliver(held, { stage: from }));
          if (at.waitSeconds !== null) await step.sleep(`wait-deliver-${slice}`, `${at.waitSeconds}s`);
          stage = at.stage;
        }
        if (manner === 'package' && (await step.run('submit', () => ports.push.submit(held)))) {
          for (let look = 0; ; look++) {
            const at = await step.run(`follow-${look}`, () => ports.push.follow(held));
            if (at.isOver) break;
            await step.sleep(`working-${look}`, `${at.waitSeconds}s`);
          }
          // Enrolments and memberships have no id of their own to be told.
          await read(
            'read-back',
            entities.filter((entity) => entity !== 'enrolment' && entity !== 'membership'),
          );
          await step.run('enter-ids', () => ports.push.enterIds(held));
        }
        await step.run('finish', () => ports.push.finish(held));
      } catch (error) {
        const parsed = errorSchema.safeParse(error);
        await step.run('fail', () =>
          ports.push.fail({ ...run, fence }, parsed.success ? parsed.data.message : 'internal'),
        );
      }
    },
  );
