import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Inngest allows a function 1000 steps. */
const schoolsPerStep = 50;

/** Hourly, at each school: pauses that are over, unanswered requests, ended terms, reminders, credentials that serve nobody. */
export const connectionRound = (client: JobClient, ports: Pick<JobPorts, 'connections'>) =>
  client.createFunction(
    { id: 'connection-round', triggers: [{ cron: '7 * * * *' }], concurrency: { limit: 1 }, retries: 3 },
    async ({ step, runId }) => {
      const schools = await step.run('schools', () => ports.connections.schools({ runId }));
      for (let from = 0; from < schools.length; from += schoolsPerStep) {
        const schoolIds = schools.slice(from, from + schoolsPerStep);
        await step.run(`tend-${from}`, () => ports.connections.tend({ schoolIds, runId }));
      }
    },
  );
