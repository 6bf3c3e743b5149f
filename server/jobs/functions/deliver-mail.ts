import { type JobClient, on } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Sends a mail. Twelve retries with back-off outlast an SMTP server's day off. */
export const deliverMail = (client: JobClient, ports: Pick<JobPorts, 'deliverMail'>) =>
  client.createFunction(
    {
      id: 'deliver-mail',
      triggers: [on('mail/requested')],
      idempotency: 'event.data.mailId',
      concurrency: { limit: 4 },
      retries: 12,
    },
    async ({ event, step, runId }) => {
      await step.run('deliver', () => ports.deliverMail({ ...event.data, runId }));
    },
  );
