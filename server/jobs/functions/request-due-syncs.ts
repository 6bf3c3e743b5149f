import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Every quarter of an hour: requests a sync of each system whose data is older than its interval. */
export const requestDueSyncs = (client: JobClient, ports: Pick<JobPorts, 'sync'>) =>
  client.createFunction(
    { id: 'request-due-syncs', triggers: [{ cron: '*/15 * * * *' }], concurrency: { limit: 1 }, retries: 2 },
    async ({ step, runId }) => {
      await step.run('request', () => ports.sync.requestDue({ runId }));
    },
  );
