import { and, eq } from 'drizzle-orm';
import { oidcIdentity } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';

/** Links a verified (issuer, subject) to an account; twice is once, to another account is `duplicate`. */
export async function linkIdentityTo(
  work: Work,
  userId: string,
  identity: { issuer: string; subject: string },
): Promise<void> {
  const { issuer, subject } = identity;
  await work.tx
    .insert(oidcIdentity)
    .values({ issuer, subject, userId, createdAt: work.ctx.clock.now() })
    .onConflictDoNothing();
  const row = await work.tx.query.oidcIdentity.findFirst({
    where: and(eq(oidcIdentity.issuer, issuer), eq(oidcIdentity.subject, subject)),
  });
  if (row?.userId !== userId) throw new CrosswalkError('duplicate');
  work.audit({
    action: 'people.identity-linked',
    subjectKind: 'user',
    subjectId: userId,
    details: { host: URL.parse(issuer)?.host ?? null },
    chain: 'operator',
  });
}
