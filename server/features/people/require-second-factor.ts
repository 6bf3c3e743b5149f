import { eq } from 'drizzle-orm';
import { organisation } from '#db/schema/organisations.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';

/**
 * From now on (or no longer) everybody of the organisation needs a second factor: who has none may do nothing but set it
 * up, from his next request on.
 */
export async function requireSecondFactorIn(work: Work, organisationId: string, required: boolean): Promise<void> {
  const changed = await work.tx
    .update(organisation)
    .set({ requiresTotp: required })
    .where(eq(organisation.id, organisationId))
    .returning({ id: organisation.id });
  if (changed.length === 0) throw new CrosswalkError('not-found');
  work.audit({
    action: required ? 'people.second-factor-required' : 'people.second-factor-optional',
    subjectKind: 'organisation',
    subjectId: organisationId,
  });
}
