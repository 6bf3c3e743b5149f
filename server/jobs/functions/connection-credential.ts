import { type JobClient, on } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Tries a proved credential for more than it was proved for, after the school has approved more. */
export const connectionCredential = (client: JobClient, ports: Pick<JobPorts, 'connections'>) =>
  client.createFunction(
    {
      id: 'connection-credential',
      triggers: [on('credential/entered')],
      concurrency: { limit: 4 },
      retries: 5,
    },
    async ({ event, step, runId }) => {
      const { schoolId, systemId, credentialId } = event.data;
      await step.run('try', () => ports.connections.tryCredential({ schoolId, systemId, credentialId, runId }));
    },
  );
