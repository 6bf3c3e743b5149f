import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Once a day: forgets packages that were handed in more than a day ago, read or not. */
export const dropOldPackages = (client: JobClient, ports: Pick<JobPorts, 'packages'>) =>
  client.createFunction(
    { id: 'drop-old-packages', triggers: [{ cron: '41 2 * * *' }], concurrency: { limit: 1 }, retries: 3 },
    async ({ step, runId }) => {
      await step.run('drop', () => ports.packages.dropOld({ runId }));
    },
  );
