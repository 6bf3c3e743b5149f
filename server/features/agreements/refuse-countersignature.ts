import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf } from './agreement-row.ts';
import { reasonSchema } from './decline-agreement.ts';
import { drawersOf, drawersUrl, mailTo, schoolsUrl, signatoriesOf } from './mail-about-agreement.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';

/** The operator does not countersign, with a reason that school and agent read. */
export const refuseCountersignature = defineVerb({
  name: 'agreements.refuse-countersignature',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ schoolId: idSchema, agreementId: idSchema, reason: reasonSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const { tx, audit, emit } = work;
    const row = await agreementInSchool(
      tx,
      { schoolId: input.schoolId, agreementId: input.agreementId },
      { lock: true },
    );
    const state = nextState(factsOf(row), 'refuse-countersignature');
    await tx
      .update(agreement)
      .set({ state, declinedBy: 'operator', declinedReason: input.reason })
      .where(eq(agreement.id, row.id));
    const school = await schoolInScope(tx, input.schoolId);
    const parameters = { organisation: school.name, reason: input.reason };
    await mailTo(work, await signatoriesOf(tx, input.schoolId), {
      template: 'agreement-not-countersigned',
      schoolId: input.schoolId,
      parameters: { ...parameters, url: schoolsUrl(work, row) },
    });
    if (row.agentId !== null) {
      await mailTo(work, await drawersOf(tx, row), {
        template: 'agreement-not-countersigned',
        schoolId: null,
        parameters: { ...parameters, url: drawersUrl(work, row) },
      });
    }
    audit({ action: 'agreements.countersignature-refused', subjectKind: 'agreement', subjectId: row.id });
    await emit('agreement/changed', { schoolId: input.schoolId, agreementId: row.id });
    return { state };
  },
});
