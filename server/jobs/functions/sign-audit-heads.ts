import type { JobClient } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Every ten minutes: signs the audit chains' heads outside the database, and says when one does not verify. */
export const signAuditHeads = (client: JobClient, ports: Pick<JobPorts, 'operations'>) =>
  client.createFunction(
    { id: 'sign-audit-heads', triggers: [{ cron: '*/10 * * * *' }], concurrency: { limit: 1 }, retries: 2 },
    async ({ step, runId }) => {
      await step.run('sign', () => ports.operations.signAuditHeads({ runId }));
    },
  );
