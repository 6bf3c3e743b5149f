import { z } from 'zod';
import { defineVerb } from '#server/kernel/verb.ts';
import { personFields } from './invitation-input.ts';
import { inviteByMail } from './invitation-links.ts';
import { operatorOrganisation } from './join-organisation.ts';

/** An operator invites another one. */
export const inviteOperator = defineVerb({
  name: 'people.invite-operator',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object(personFields),
  run: async (work) =>
    inviteByMail(work, {
      ...work.input,
      organisationId: await operatorOrganisation(work),
      schoolId: null,
      roles: ['operator'],
    }),
});
