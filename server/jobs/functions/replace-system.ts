import { z } from 'zod';
import { type JobClient, on } from '../client.ts';
import { isErrorCode } from '../error-codes.ts';
import type { JobPorts } from '../ports.ts';

const errorSchema = z.object({ message: z.string().refine(isErrorCode) });

/** The switch of a replaced SIS, or the way back: one step, which a large district may take minutes over. What cannot be done is given back. */
export const replaceSystem = (client: JobClient, ports: Pick<JobPorts, 'replacements'>) =>
  client.createFunction(
    {
      id: 'replace-system',
      triggers: [on('replacement/wanted')],
      concurrency: [{ limit: 1, key: 'event.data.schoolId' }, { limit: 2 }],
      // What passes is waited for, for more than an hour: nothing else gives back what a killed database kept.
      retries: 10,
    },
    async ({ event, step, runId }) => {
      const of = { ...event.data, runId };
      try {
        await step.run('carry-out', () => ports.replacements.carryOut(of));
      } catch (error) {
        const parsed = errorSchema.safeParse(error);
        await step.run('give-back', () =>
          ports.replacements.giveBack(of, parsed.success ? parsed.data.message : 'internal'),
        );
      }
    },
  );
