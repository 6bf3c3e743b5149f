import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Every quarter of an hour: asks for a look into every watched folder. */
export const requestLooks = (client: JobClient, ports: Pick<JobPorts, 'packages'>) =>
  client.createFunction(
    { id: 'request-looks', triggers: [{ cron: '4-59/15 * * * *' }], concurrency: { limit: 1 }, retries: 2 },
    async ({ step, runId }) => {
      await step.run('request', () => ports.packages.requestLooks({ runId }));
    },
  );
