import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Proves every minute that the chain from cron over queue and call to handler works; `/api/health` shows its age. */
export const heartbeat = (client: JobClient, ports: Pick<JobPorts, 'recordPulse'>) =>
  client.createFunction(
    { id: 'heartbeat', triggers: [{ cron: '* * * * *' }], concurrency: { limit: 1 }, retries: 0 },
    async ({ step }) => {
      await step.run('beat', () => ports.recordPulse());
    },
  );
