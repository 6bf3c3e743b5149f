import { and, eq } from 'drizzle-orm';
import { agreement, document } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf, personOf } from './agreement-row.ts';
import { agreementTermsSchema, keepDocument } from './compose-agreement.ts';
import { composeDraft } from './draw-up-agreement.ts';
import { nextState } from './state-machine.ts';

/** Changes a draft; what was sent is fixed (`agreement-already-sent`). */
export const reviseAgreement = defineVerb({
  name: 'agreements.revise',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: agreementTermsSchema.extend({ agentId: idSchema, schoolId: idSchema, agreementId: idSchema }),
  run: async ({ ctx, tx, input, audit }) => {
    const { agentId, schoolId, agreementId, attachment, ...terms } = input;
    const row = await agreementInSchool(tx, { agentId, schoolId, agreementId }, { lock: true });
    nextState(factsOf(row), 'revise');
    const { userId } = personOf(ctx.actor);
    const before =
      row.attachmentDocumentId === null
        ? undefined
        : await tx.query.document.findFirst({
            columns: { id: true, fileName: true, sha256: true },
            where: and(eq(document.id, row.attachmentDocumentId), eq(document.schoolId, schoolId)),
          });
    const kept = attachment
      ? await keepDocument(tx, {
          schoolId,
          kind: 'agreement-attachment',
          file: attachment,
          uploadedBy: userId,
          at: ctx.clock.now(),
        })
      : attachment === undefined && before !== undefined
        ? { documentId: before.id, fileName: before.fileName, sha256: before.sha256 }
        : null;
    const columns = await composeDraft({ ctx, tx }, { agentId, schoolId, terms, attachment: kept });
    await tx.update(agreement).set(columns).where(eq(agreement.id, row.id));
    if (before !== undefined && kept?.documentId !== before.id) {
      await tx.delete(document).where(and(eq(document.id, before.id), eq(document.schoolId, schoolId)));
    }
    audit({
      action: 'agreements.revised',
      subjectKind: 'agreement',
      subjectId: row.id,
      chain: 'operator',
      details: { agentId },
    });
    return { agreementId: row.id };
  },
});
