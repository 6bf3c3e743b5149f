import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { document } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool } from './agreement-row.ts';

/** A file of an agreement, for those who may read the agreement: the attached document or the scan that it names now. */
export const readDocument = defineVerb({
  name: 'agreements.read-document',
  kind: 'query',
  access: [
    { school: schoolRoles },
    { agent: ['agent', 'agent-administrator'], serves: 'prospect' },
    { operator: true },
  ],
  input: z.object({ schoolId: idSchema, agreementId: idSchema, documentId: idSchema, agentId: idSchema.optional() }),
  run: async ({ tx, input, party }) => {
    const asAgent = party.as === 'agent' && party.agentId !== null ? { agentId: party.agentId } : {};
    const row = await agreementInSchool(tx, { schoolId: input.schoolId, agreementId: input.agreementId, ...asAgent });
    if (row.attachmentDocumentId !== input.documentId && row.scanDocumentId !== input.documentId) {
      throw new CrosswalkError('not-found');
    }
    const file = await tx.query.document.findFirst({
      where: and(eq(document.id, input.documentId), eq(document.schoolId, input.schoolId)),
    });
    if (file === undefined) throw new CrosswalkError('not-found');
    return { fileName: file.fileName, contentType: file.contentType, base64: file.bytes.toString('base64') };
  },
});
