import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { school } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { considerTrust } from './consider-trust.ts';
import { foldDomain, isPublicMailDomain } from './mail-domain.ts';

/** The operator enters the mail domain that the register gives for a school. A domain where anybody gets an address is refused. */
export const setRegisterDomain = defineVerb({
  name: 'schools.set-register-domain',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ schoolId: idSchema, domain: z.string().max(300) }),
  run: async ({ input, party: _party, ...work }) => {
    const domain = input.domain.trim() === '' ? null : foldDomain(input.domain);
    if (input.domain.trim() !== '' && (domain === null || isPublicMailDomain(domain))) {
      throw new CrosswalkError('invalid-input', { details: { fields: ['domain'] } });
    }
    const changed = await work.tx
      .update(school)
      .set({ registerDomain: domain })
      .where(eq(school.id, input.schoolId))
      .returning({ id: school.id });
    if (changed.length === 0) throw new CrosswalkError('not-found');
    work.audit({
      action: 'schools.register-domain-set',
      subjectKind: 'school',
      subjectId: input.schoolId,
      details: { domain },
    });
    await considerTrust(work, input.schoolId);
    return { domain };
  },
});
