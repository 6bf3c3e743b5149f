import { type JobClient, on } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** After a connection has changed: an ended one may leave a credential that serves nobody any more. */
export const connectionChanged = (client: JobClient, ports: Pick<JobPorts, 'connections'>) =>
  client.createFunction(
    {
      id: 'connection-changed',
      triggers: [on('connection/changed')],
      concurrency: { limit: 4 },
      retries: 5,
    },
    async ({ event, step, runId }) => {
      const { schoolId, connectionId } = event.data;
      await step.run('tidy', () => ports.connections.tidy({ schoolId, connectionId, runId }));
    },
  );
