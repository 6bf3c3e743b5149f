import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf } from './agreement-row.ts';
import { nextState } from './state-machine.ts';
import { withdrawAgentsInvitation } from './withdraw-agents-invitation.ts';

/** The agent takes back a draft or what he sent, as long as the school has not signed; the invitation that went with it ends. */
export const withdrawAgreement = defineVerb({
  name: 'agreements.withdraw',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: z.object({ agentId: idSchema, schoolId: idSchema, agreementId: idSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const { tx, audit, emit } = work;
    const row = await agreementInSchool(tx, input, { lock: true });
    const state = nextState(factsOf(row), 'withdraw');
    await tx.update(agreement).set({ state }).where(eq(agreement.id, row.id));
    if (row.state === 'sent') {
      const { agentId, schoolId } = input;
      await withdrawAgentsInvitation(work, { agentId, schoolId, email: row.signatoryEmail });
    }
    audit({
      action: 'agreements.withdrawn',
      subjectKind: 'agreement',
      subjectId: row.id,
      // The school never heard of a draft.
      ...(row.state === 'draft' ? { chain: 'operator' } : {}),
      details: { agentId: input.agentId },
    });
    await emit('agreement/changed', { schoolId: input.schoolId, agreementId: row.id });
    return { state };
  },
});
