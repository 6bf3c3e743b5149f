import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Every quarter of an hour, since midnight comes at every one of them somewhere: ends, renewals, graces and reminders of agreements. */
export const agreementDates = (client: JobClient, ports: JobPorts) =>
  client.createFunction(
    { id: 'agreement-dates', triggers: [{ cron: '2-59/15 * * * *' }], concurrency: { limit: 1 }, retries: 3 },
    async ({ step, runId }) => {
      const schools = await step.run('due-schools', () => ports.agreements.dueSchools({ runId }));
      // A step for each school: what fails at one is tried again there alone.
      for (const schoolId of schools) {
        await step.run(`dates-${schoolId}`, () => ports.agreements.processDates({ schoolId, runId }));
      }
      await step.run('sweep-registrations', () => ports.agreements.sweepRegistrations({ runId }));
    },
  );
