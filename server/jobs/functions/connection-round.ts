import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Hourly, at each school: pauses that are over, unanswered requests, ended terms, reminders, credentials that serve nobody. */
export const connectionRound = (client: JobClient, ports: JobPorts) =>
  client.createFunction(
    { id: 'connection-round', triggers: [{ cron: '7 * * * *' }], concurrency: { limit: 1 }, retries: 3 },
    async ({ step, runId }) => {
      const schools = await step.run('schools', () => ports.connections.schools({ runId }));
      // A step for each school: what fails at one is tried again there alone.
      for (const schoolId of schools) {
        await step.run(`tend-${schoolId}`, () => ports.connections.tend({ schoolId, runId }));
      }
    },
  );
