import { and, eq, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { appUser, membership, organisation } from '#db/schema/index.ts';

/** The operator's people, for a mail. */
export async function operatorsToTell(tx: Tx): Promise<{ email: string; name: string; locale: string }[]> {
  return tx
    .selectDistinct({ email: appUser.email, name: appUser.name, locale: appUser.locale })
    .from(membership)
    .innerJoin(organisation, and(eq(organisation.id, membership.organisationId), eq(organisation.kind, 'operator')))
    .innerJoin(appUser, eq(appUser.id, membership.userId))
    .where(and(eq(membership.role, 'operator'), isNull(membership.endedAt), isNull(appUser.disabledAt)));
}
