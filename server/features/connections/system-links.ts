import { and, eq, isNull } from 'drizzle-orm';
import { singleUseLink } from '#db/schema/index.ts';
import type { LinkPurpose } from '#db/schema/vocabulary.ts';
import type { Work } from '#server/kernel/verb.ts';

/** A technical contact's link has done its work once a credential is proved: it opens nothing any more. */
export async function spendLinks({ ctx, tx }: Work, schoolId: string, systemId: string): Promise<void> {
  await tx
    .update(singleUseLink)
    .set({ usedAt: ctx.clock.now() })
    .where(and(openLinksOf(schoolId, systemId)));
}

/**
 * Takes back the links of a system that nobody has used: it has another address, is gone, or has nothing to connect. Of a
 * technical contact, if nothing else is said.
 */
export async function withdrawLinks(
  { ctx, tx }: Work,
  schoolId: string,
  systemId: string,
  { purpose = 'technical-contact', email }: { readonly purpose?: LinkPurpose; readonly email?: string } = {},
): Promise<number> {
  const rows = await tx
    .update(singleUseLink)
    .set({ withdrawnAt: ctx.clock.now() })
    .where(
      and(openLinksOf(schoolId, systemId, purpose), email === undefined ? undefined : eq(singleUseLink.email, email)),
    )
    .returning({ id: singleUseLink.id });
  return rows.length;
}

const openLinksOf = (schoolId: string, systemId: string, purpose: LinkPurpose = 'technical-contact') =>
  and(
    eq(singleUseLink.schoolId, schoolId),
    eq(singleUseLink.systemId, systemId),
    eq(singleUseLink.purpose, purpose),
    isNull(singleUseLink.usedAt),
    isNull(singleUseLink.withdrawnAt),
  );
