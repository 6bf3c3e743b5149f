import { and, eq, gt, inArray, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, appUser, membership, school, singleUseLink } from '#db/schema/index.ts';
import { factsOf } from '#server/features/agreements/agreement-row.ts';
import { judge } from '#server/features/agreements/state-machine.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { textSchema } from './school-details.ts';

/**
 * The operator's review: these people act for this school, or they do not. He names whom he saw, so that nobody is
 * trusted unseen (`changed-meanwhile`). Refused, they lose their roles, what they signed is declined, and the school waits
 * for somebody else.
 */
export const reviewTrust = defineVerb({
  name: 'schools.review-trust',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({
    schoolId: idSchema,
    decision: z.enum(['trust', 'refuse']),
    /** The people of the school as the page showed them. */
    userIds: z.array(idSchema).max(500),
    note: textSchema(2000).default(''),
  }),
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx, audit } = work;
    const [row] = await tx.select().from(school).where(eq(school.id, input.schoolId)).for('update');
    if (row === undefined) throw new CrosswalkError('not-found');
    if (row.trust === 'trusted') throw new CrosswalkError('already-decided');
    const people = await tx
      .selectDistinct({ userId: appUser.id, email: appUser.email, name: appUser.name, locale: appUser.locale })
      .from(membership)
      .innerJoin(appUser, eq(appUser.id, membership.userId))
      .where(and(eq(membership.schoolId, input.schoolId), isNull(membership.endedAt)));
    const seen = new Set(input.userIds);
    if (people.length !== seen.size || people.some((person) => !seen.has(person.userId))) {
      throw new CrosswalkError('changed-meanwhile');
    }
    if (people.length === 0) throw new CrosswalkError('state-forbids', { details: { problem: 'nobody-aboard' } });
    if (input.decision === 'refuse' && input.note === '') {
      throw new CrosswalkError('invalid-input', { details: { fields: ['note'] } });
    }
    const now = ctx.clock.now();
    if (input.decision === 'trust') {
      await tx
        .update(school)
        .set({ trust: 'trusted', trustGround: 'operator-review', trustedAt: now, trustNote: input.note || null })
        .where(eq(school.id, input.schoolId));
      await withdrawInvitations(work, input.schoolId, [...seen]);
      audit({
        action: 'schools.trusted',
        subjectKind: 'school',
        subjectId: input.schoolId,
        details: { ground: 'operator-review', people: people.length },
      });
    } else {
      await tx
        .update(school)
        .set({ trust: 'refused', trustGround: null, trustedAt: null, trustNote: input.note })
        .where(eq(school.id, input.schoolId));
      await tx
        .update(membership)
        .set({ endedAt: now })
        .where(and(eq(membership.schoolId, input.schoolId), isNull(membership.endedAt)));
      await withdrawInvitations(work, input.schoolId, []);
      await declineWhatTheySigned(work, input.schoolId, input.note);
      audit({
        action: 'schools.refused',
        subjectKind: 'school',
        subjectId: input.schoolId,
        details: { people: people.length },
      });
    }
    for (const { email, name, locale } of people) {
      const mail = { to: { email, name }, schoolId: input.schoolId, locale };
      if (input.decision === 'trust') {
        const parameters = { organisation: row.name, url: `${ctx.baseUrl}/school/${input.schoolId}` };
        await enqueueMail(work, { ...mail, template: 'school-trusted', parameters });
      } else {
        await enqueueMail(work, {
          ...mail,
          template: 'school-refused',
          parameters: { organisation: row.name, reason: input.note },
        });
      }
    }
    return { trust: input.decision === 'trust' ? ('trusted' as const) : ('refused' as const) };
  },
});

/** Open invitations by anybody else than these people: what an agent asked for ends with the review. */
async function withdrawInvitations(work: Work, schoolId: string, keepOf: readonly string[]): Promise<void> {
  const now = work.ctx.clock.now();
  const open = await work.tx.query.singleUseLink.findMany({
    where: and(
      eq(singleUseLink.schoolId, schoolId),
      eq(singleUseLink.purpose, 'invitation'),
      isNull(singleUseLink.usedAt),
      isNull(singleUseLink.withdrawnAt),
      gt(singleUseLink.expiresAt, now),
    ),
  });
  const others = open.filter((link) => link.createdBy === null || !keepOf.includes(link.createdBy)).map(({ id }) => id);
  if (others.length === 0) return;
  await work.tx.update(singleUseLink).set({ withdrawnAt: now }).where(inArray(singleUseLink.id, others));
}

async function declineWhatTheySigned(work: Work, schoolId: string, reason: string): Promise<void> {
  const rows = await work.tx.select().from(agreement).where(eq(agreement.schoolId, schoolId)).for('update');
  for (const row of rows) {
    const verdict = judge(factsOf(row), 'refuse-countersignature');
    if (!('to' in verdict)) continue;
    await work.tx
      .update(agreement)
      .set({ state: verdict.to, declinedBy: 'operator', declinedReason: reason })
      .where(eq(agreement.id, row.id));
    work.audit({ action: 'agreements.countersignature-refused', subjectKind: 'agreement', subjectId: row.id });
  }
}
