import { z } from 'zod';
import { organisation } from '#db/schema/index.ts';
import { personFields } from '#server/features/people/invitation-input.ts';
import { inviteByMail } from '#server/features/people/invitation-links.ts';
import { newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agentDetailsSchema } from './agent-details.ts';

/** The operator takes an agent on: its organisation, reviewed by that very act or waiting for it, and its first administrator invited. */
export const createAgent = defineVerb({
  name: 'organisations.create-agent',
  kind: 'command',
  access: [{ operator: true }],
  input: agentDetailsSchema.extend({
    reviewed: z.boolean().default(true),
    administrator: z.object(personFields).optional(),
  }),
  run: async ({ input, party: _party, ...work }) => {
    const { administrator, reviewed, ...details } = input;
    const agentId = newId();
    const now = work.ctx.clock.now();
    await work.tx
      .insert(organisation)
      .values({ id: agentId, kind: 'agent', ...details, reviewedAt: reviewed ? now : null, createdAt: now });
    work.audit({
      action: 'organisations.agent-created',
      subjectKind: 'organisation',
      subjectId: agentId,
      details: { emailDomains: details.emailDomains, mayCountersign: details.mayCountersign, reviewed },
    });
    if (administrator !== undefined) {
      await inviteByMail(work, {
        organisationId: agentId,
        schoolId: null,
        ...administrator,
        roles: ['agent-administrator', 'agent'],
      });
    }
    return { agentId };
  },
});
