import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, membership } from '#db/schema/index.ts';
import { inviteFirstAdministrator, refuseAddressOfAgent } from '#server/features/people/invitation-links.ts';
import { refuseUnreviewedAgent } from '#server/features/schools/refuse-unreviewed-agent.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf } from './agreement-row.ts';
import { hashOfText } from './agreement-text.ts';
import { mailTo, schoolsUrl, signatoriesOf } from './mail-about-agreement.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';

/**
 * Sends a draft to the school: from now on its text is fixed and has a hash. Where people of the school are aboard, it
 * reaches its signatories, whatever address the agent typed; where nobody is, the named signatory is invited as first
 * administrator and signatory. The agent gets the same answer in both cases.
 */
export const sendAgreement = defineVerb({
  name: 'agreements.send',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: z.object({ agentId: idSchema, schoolId: idSchema, agreementId: idSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx, audit, emit } = work;
    const row = await agreementInSchool(tx, input, { lock: true });
    const state = nextState(factsOf(row), 'send');
    const agent = await refuseUnreviewedAgent(tx, input.agentId);
    const school = await schoolInScope(tx, input.schoolId);
    if (row.termEnd < localDate(ctx.clock.now(), school.timeZone)) throw new CrosswalkError('agreement-term-over');
    const { signatoryEmail, signatoryName } = row;
    if (signatoryEmail === null || signatoryName === null) {
      throw new CrosswalkError('invalid-input', { details: { fields: ['signatoryEmail', 'signatoryName'] } });
    }
    await refuseAddressOfAgent(work, input.schoolId, signatoryEmail);
    const sentAt = ctx.clock.now();
    await tx
      .update(agreement)
      .set({ state, sentAt, textHash: hashOfText(row) })
      .where(eq(agreement.id, row.id));
    const somebody = await tx.query.membership.findFirst({
      columns: { id: true },
      where: and(eq(membership.schoolId, input.schoolId), isNull(membership.endedAt)),
    });
    if (somebody === undefined) {
      await inviteFirstAdministrator(work, {
        schoolId: input.schoolId,
        email: signatoryEmail,
        name: signatoryName,
        alsoRoles: ['signatory'],
      });
    } else {
      await mailTo(work, await signatoriesOf(tx, input.schoolId), {
        template: 'agreement-to-sign',
        schoolId: input.schoolId,
        parameters: { organisation: school.name, agent: agent.name, url: schoolsUrl(work, row) },
      });
    }
    audit({
      action: 'agreements.sent',
      subjectKind: 'agreement',
      subjectId: row.id,
      details: { agentId: input.agentId, textHash: hashOfText(row) },
    });
    await emit('agreement/changed', { schoolId: input.schoolId, agreementId: row.id });
    return { state };
  },
});
