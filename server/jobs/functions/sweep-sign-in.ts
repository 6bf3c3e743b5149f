import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Once a day: forgets ended sessions, old single-use links and throttle counts. */
export const sweepSignIn = (client: JobClient, ports: Pick<JobPorts, 'people'>) =>
  client.createFunction(
    { id: 'sweep-sign-in', triggers: [{ cron: '23 3 * * *' }], concurrency: { limit: 1 }, retries: 3 },
    async ({ step, runId }) => {
      await step.run('sweep', () => ports.people.sweepSignIn({ runId }));
    },
  );
