import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Once a day: forgets what was kept for taking runs back, once that is over. */
export const forgetOldChanges = (client: JobClient, ports: Pick<JobPorts, 'sync'>) =>
  client.createFunction(
    { id: 'forget-old-changes', triggers: [{ cron: '41 3 * * *' }], concurrency: { limit: 1 }, retries: 3 },
    async ({ step, runId }) => {
      await step.run('forget', () => ports.sync.forgetOldChanges({ runId }));
    },
  );
