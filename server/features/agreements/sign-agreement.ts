import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { lineSchema } from '#server/features/schools/school-details.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf, personOf } from './agreement-row.ts';
import { hashOfText } from './agreement-text.ts';
import { askForCountersignature } from './ask-for-countersignature.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';

/** The hash of the text that somebody was shown. */
export const textHashSchema = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * The signatory signs: his name, the time, and the hash of exactly the text that he was shown. Another text than the one
 * that stands there is refused as `changed-meanwhile`.
 */
export const signAgreement = defineVerb({
  name: 'agreements.sign',
  kind: 'command',
  access: [{ school: ['signatory'] }],
  input: z.object({
    schoolId: idSchema,
    agreementId: idSchema,
    textHash: textHashSchema,
    name: lineSchema(120).refine((name) => name.length > 0),
  }),
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx, audit, emit } = work;
    const row = await agreementInSchool(tx, input, { lock: true });
    const state = nextState(factsOf(row), 'sign');
    if (input.textHash !== row.textHash || hashOfText(row) !== row.textHash)
      throw new CrosswalkError('changed-meanwhile');
    const school = await schoolInScope(tx, input.schoolId);
    if (row.termEnd < localDate(ctx.clock.now(), school.timeZone)) throw new CrosswalkError('agreement-term-over');
    const { userId } = personOf(ctx.actor);
    const signed = { signedBy: userId, signedName: input.name, signedAt: ctx.clock.now(), signedHash: input.textHash };
    await tx
      .update(agreement)
      .set({ state, ...signed })
      .where(eq(agreement.id, row.id));
    audit({
      action: 'agreements.signed',
      subjectKind: 'agreement',
      subjectId: row.id,
      details: { textHash: input.textHash, onPaper: false },
    });
    await askForCountersignature(work, row, { school: school.name, signatory: input.name });
    await emit('agreement/changed', { schoolId: input.schoolId, agreementId: row.id });
    return { state, signedAt: signed.signedAt };
  },
});
