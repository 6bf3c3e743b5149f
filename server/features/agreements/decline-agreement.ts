import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { textSchema } from '#server/features/schools/school-details.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf } from './agreement-row.ts';
import { drawersOf, drawersUrl, mailTo } from './mail-about-agreement.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';

/** A reason that the other side reads. */
export const reasonSchema = textSchema(2000).refine((text) => text.length > 0);

/** The signatory declines what was sent, with a reason that the agent reads. */
export const declineAgreement = defineVerb({
  name: 'agreements.decline',
  kind: 'command',
  access: [{ school: ['signatory'] }],
  input: z.object({ schoolId: idSchema, agreementId: idSchema, reason: reasonSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const { tx, audit, emit } = work;
    const row = await agreementInSchool(tx, input, { lock: true });
    const state = nextState(factsOf(row), 'decline');
    await tx
      .update(agreement)
      .set({ state, declinedBy: 'school', declinedReason: input.reason })
      .where(eq(agreement.id, row.id));
    const school = await schoolInScope(tx, input.schoolId);
    await mailTo(work, await drawersOf(tx, row), {
      template: 'agreement-declined',
      schoolId: null,
      parameters: { school: school.name, reason: input.reason, url: drawersUrl(work, row) },
    });
    audit({ action: 'agreements.declined', subjectKind: 'agreement', subjectId: row.id });
    await emit('agreement/changed', { schoolId: input.schoolId, agreementId: row.id });
    return { state };
  },
});
