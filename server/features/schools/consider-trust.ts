import { and, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, membership, school } from '#db/schema/index.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import type { Work } from '#server/kernel/verb.ts';
import { domainOfEmail, isPublicMailDomain } from './mail-domain.ts';
import { operatorsToTell } from './operators-to-tell.ts';

const sameNumber = z.array(z.object({ id: z.uuid(), trust: z.string() }));

/**
 * Called whenever somebody has joined a school (people/join-organisation.ts) or its register domain was set, in its
 * scope. A school whose people all have a confirmed address in the domain that the register gives is trusted; any other
 * waits for the operator's review. A second tenant with the number of a trusted school is never trusted by itself.
 */
export async function considerTrust(work: Work, schoolId: string): Promise<void> {
  const { ctx, tx } = work;
  const [row] = await tx.select().from(school).where(eq(school.id, schoolId)).for('update');
  if (row === undefined || row.trust === 'trusted') return;
  const people = await tx
    .select({
      userId: appUser.id,
      email: appUser.emailFolded,
      verifiedAt: appUser.emailVerifiedAt,
      role: membership.role,
    })
    .from(membership)
    .innerJoin(appUser, eq(appUser.id, membership.userId))
    .where(and(eq(membership.schoolId, schoolId), isNull(membership.endedAt)));
  if (!people.some((person) => person.role === 'school-administrator')) return;
  const domain = row.registerDomain;
  const others = sameNumber
    .parse(
      await tx.execute(sql`select id, trust from across.schools_with_number(${row.register}, ${row.registerNumber})`),
    )
    .filter((other) => other.id !== schoolId && other.trust === 'trusted');
  const proved =
    domain !== null &&
    !isPublicMailDomain(domain) &&
    others.length === 0 &&
    people.every((person) => person.verifiedAt !== null && domainOfEmail(person.email) === domain);
  if (proved) {
    const now = ctx.clock.now();
    await tx
      .update(school)
      .set({ trust: 'trusted', trustGround: 'register-domain', trustedAt: now, trustNote: null })
      .where(eq(school.id, schoolId));
    work.audit({
      action: 'schools.trusted',
      subjectKind: 'school',
      subjectId: schoolId,
      details: { ground: 'register-domain', domain },
    });
    return;
  }
  if (row.trust === 'in-review') return;
  await tx.update(school).set({ trust: 'in-review', trustNote: null }).where(eq(school.id, schoolId));
  work.audit({ action: 'schools.review-wanted', subjectKind: 'school', subjectId: schoolId });
  for (const { email, name, locale } of await operatorsToTell(tx)) {
    await enqueueMail(work, {
      template: 'school-to-review',
      to: { email, name },
      schoolId: null,
      locale,
      parameters: { school: row.name, url: `${ctx.baseUrl}/operator/schools/${schoolId}` },
    });
  }
}
