import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf, personOf } from './agreement-row.ts';
import { hashOfText } from './agreement-text.ts';
import { askForCountersignature } from './ask-for-countersignature.ts';
import { drawersOf, drawersUrl, mailTo } from './mail-about-agreement.ts';
import { schoolInScope } from './school-facts.ts';
import { textHashSchema } from './sign-agreement.ts';
import { nextState } from './state-machine.ts';

/**
 * The school confirms that the scan is its own signature under exactly this text, or says that it is not: then the
 * agreement waits for a signature again. What he saw is named by the text's hash and the scan's id.
 */
export const answerPaperSignature = defineVerb({
  name: 'agreements.answer-paper-signature',
  kind: 'command',
  access: [{ school: ['signatory', 'school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    agreementId: idSchema,
    textHash: textHashSchema,
    scanDocumentId: idSchema,
    answer: z.enum(['confirm', 'refuse']),
  }),
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx, audit, emit } = work;
    const row = await agreementInSchool(tx, input, { lock: true });
    const state = nextState(factsOf(row), input.answer === 'confirm' ? 'confirm-paper' : 'refuse-paper');
    const shown = input.textHash === row.textHash && hashOfText(row) === row.textHash;
    if (!shown || input.scanDocumentId !== row.scanDocumentId) throw new CrosswalkError('changed-meanwhile');
    const school = await schoolInScope(tx, input.schoolId);
    const now = ctx.clock.now();
    const { userId } = personOf(ctx.actor);
    if (input.answer === 'confirm') {
      const confirmed = { paperConfirmedBy: userId, paperConfirmedAt: now, signedAt: now, signedHash: input.textHash };
      await tx
        .update(agreement)
        .set({ state, ...confirmed })
        .where(eq(agreement.id, row.id));
      await askForCountersignature(work, row, { school: school.name, signatory: row.signedName ?? '' });
    } else {
      const emptied = { scanDocumentId: null, signedName: null, paperSignedOn: null, paperEnteredBy: null };
      await tx
        .update(agreement)
        .set({ state, ...emptied })
        .where(eq(agreement.id, row.id));
      await mailTo(work, await drawersOf(tx, row), {
        template: 'agreement-paper-refused',
        schoolId: null,
        parameters: { school: school.name, url: drawersUrl(work, row) },
      });
    }
    audit({
      action: input.answer === 'confirm' ? 'agreements.signed' : 'agreements.paper-refused',
      subjectKind: 'agreement',
      subjectId: row.id,
      details: { textHash: input.textHash, onPaper: true },
    });
    await emit('agreement/changed', { schoolId: input.schoolId, agreementId: row.id });
    return { state };
  },
});
