import { z } from 'zod';
import { idSchema } from './ids.ts';

/**
 * Every event that a verb may write to the outbox: a name and ids. No record, name, address or secret travels here,
 * since payloads rest in the queue's tables and in an Inngest server's history.
 */
export const eventSchemas = {
  'mail/requested': z.object({ mailId: idSchema, schoolId: idSchema.nullable() }),
  'sync/requested': z.object({ schoolId: idSchema, systemId: idSchema, syncRunId: idSchema }),
  'push/requested': z.object({ schoolId: idSchema, systemId: idSchema, pushRunId: idSchema }),
  'packages/look-requested': z.object({ schoolId: idSchema, systemId: idSchema }),
  'replacement/wanted': z.object({ schoolId: idSchema, replacementId: idSchema }),
  'connection/changed': z.object({ schoolId: idSchema, connectionId: idSchema }),
  'credential/entered': z.object({ schoolId: idSchema, systemId: idSchema, credentialId: idSchema }),
  'agreement/changed': z.object({ schoolId: idSchema, agreementId: idSchema }),
} as const;

export type EventName = keyof typeof eventSchemas;
export type EventData<N extends EventName> = z.infer<(typeof eventSchemas)[N]>;
