import { and, eq, gt, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, auditEntry, membership } from '#db/schema/index.ts';
import { emailSchema } from '#server/features/people/email-address.ts';
import { inviteFirstAdministrator } from '#server/features/people/invitation-links.ts';
import { refuseUnreviewedAgent } from '#server/features/schools/refuse-unreviewed-agent.ts';
import { lineSchema } from '#server/features/schools/school-details.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agreementInSchool, factsOf } from './agreement-row.ts';
import { mailTo, schoolsUrl, signatoriesOf } from './mail-about-agreement.ts';
import { schoolInScope } from './school-facts.ts';
import { nextState } from './state-machine.ts';
import { withdrawAgentsInvitation } from './withdraw-agents-invitation.ts';

const againAfterMilliseconds = 10 * 60 * 1000;

/**
 * Sends what was sent once more: the mail was lost, the invitation ran out, or the address was wrong. The text stays as it
 * is. As with the first sending, people who are aboard get it whatever address is typed, and the answer is the same.
 * At most every ten minutes.
 */
export const sendAgreementAgain = defineVerb({
  name: 'agreements.send-again',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: z.object({
    agentId: idSchema,
    schoolId: idSchema,
    agreementId: idSchema,
    signatoryName: lineSchema(120).refine((name) => name.length > 0),
    signatoryEmail: emailSchema,
  }),
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx, audit } = work;
    const { agentId, schoolId, signatoryName, signatoryEmail } = input;
    const row = await agreementInSchool(tx, input, { lock: true });
    // Whoever may still sign may be reminded to.
    nextState(factsOf(row), 'sign');
    const agent = await refuseUnreviewedAgent(tx, agentId);
    const recent = await tx.query.auditEntry.findFirst({
      columns: { id: true },
      where: and(
        eq(auditEntry.schoolId, schoolId),
        eq(auditEntry.subjectId, row.id),
        eq(auditEntry.action, 'agreements.sent-again'),
        gt(auditEntry.at, new Date(ctx.clock.now().getTime() - againAfterMilliseconds)),
      ),
    });
    if (recent !== undefined) throw new CrosswalkError('rate-limited');
    await withdrawAgentsInvitation(work, { agentId, schoolId, email: row.signatoryEmail });
    await tx.update(agreement).set({ signatoryName, signatoryEmail }).where(eq(agreement.id, row.id));
    const somebody = await tx.query.membership.findFirst({
      columns: { id: true },
      where: and(eq(membership.schoolId, schoolId), isNull(membership.endedAt)),
    });
    if (somebody === undefined) {
      await inviteFirstAdministrator(work, {
        schoolId,
        email: signatoryEmail,
        name: signatoryName,
        alsoRoles: ['signatory'],
      });
    } else {
      const school = await schoolInScope(tx, schoolId);
      await mailTo(work, await signatoriesOf(tx, schoolId), {
        template: 'agreement-to-sign',
        schoolId,
        parameters: { organisation: school.name, agent: agent.name, url: schoolsUrl(work, row) },
      });
    }
    audit({ action: 'agreements.sent-again', subjectKind: 'agreement', subjectId: row.id, details: { agentId } });
    return { sent: true };
  },
});
