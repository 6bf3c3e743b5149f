import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { lineSchema } from '#server/features/schools/school-details.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf, personOf } from './agreement-row.ts';
import { keepDocument } from './compose-agreement.ts';
import { fileSchema } from './document-file.ts';
import { mailTo, schoolsUrl, signatoriesOf } from './mail-about-agreement.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';

/**
 * Signed on paper: the agent enters the scan, who signed and on which day. It counts for nothing until the school
 * confirms it.
 */
export const enterPaperSignature = defineVerb({
  name: 'agreements.enter-paper-signature',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: z.object({
    agentId: idSchema,
    schoolId: idSchema,
    agreementId: idSchema,
    scan: fileSchema,
    signatoryName: lineSchema(120).refine((name) => name.length > 0),
    signedOn: z.iso.date(),
  }),
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx, audit, emit } = work;
    const row = await agreementInSchool(tx, input, { lock: true });
    const state = nextState(factsOf(row), 'enter-paper');
    const school = await schoolInScope(tx, input.schoolId);
    const now = ctx.clock.now();
    const sentOn = row.sentAt === null ? input.signedOn : localDate(row.sentAt, school.timeZone);
    if (input.signedOn > localDate(now, school.timeZone) || input.signedOn < sentOn) {
      throw new CrosswalkError('invalid-input', { details: { fields: ['signedOn'] } });
    }
    const { userId } = personOf(ctx.actor);
    const scan = await keepDocument(tx, {
      schoolId: input.schoolId,
      kind: 'agreement-scan',
      file: input.scan,
      uploadedBy: userId,
      at: now,
    });
    await tx
      .update(agreement)
      .set({
        state,
        scanDocumentId: scan.documentId,
        signedName: input.signatoryName,
        paperSignedOn: input.signedOn,
        paperEnteredBy: userId,
      })
      .where(eq(agreement.id, row.id));
    await mailTo(work, await signatoriesOf(tx, input.schoolId), {
      template: 'agreement-paper-to-confirm',
      schoolId: input.schoolId,
      parameters: { organisation: school.name, url: schoolsUrl(work, row) },
    });
    audit({
      action: 'agreements.paper-entered',
      subjectKind: 'agreement',
      subjectId: row.id,
      details: { agentId: input.agentId, scan: scan.sha256, signedOn: input.signedOn },
    });
    await emit('agreement/changed', { schoolId: input.schoolId, agreementId: row.id });
    return { documentId: scan.documentId };
  },
});
