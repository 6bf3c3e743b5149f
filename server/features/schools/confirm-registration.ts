import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { schoolRegistration } from '#db/schema/index.ts';
import { createSingleUseLink, hour } from '#server/features/people/create-single-use-link.ts';
import { refuseAddressOfAgent } from '#server/features/people/invitation-links.ts';
import { hashToken } from '#server/features/people/session-token.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { lockRegisterNumber, newSchoolId, openSchool } from './open-school.ts';

const tokenSchema = z.string().min(20).max(200);

async function openRegistration(tx: Tx, token: string, now: Date) {
  return tx.query.schoolRegistration.findFirst({
    where: and(
      eq(schoolRegistration.tokenHash, hashToken(token)),
      isNull(schoolRegistration.usedAt),
      gt(schoolRegistration.expiresAt, now),
    ),
  });
}

/** What a registration says, for whoever holds its link. Looking does not use it up. */
export const viewRegistration = defineLongVerb({
  name: 'schools.view-registration',
  kind: 'query',
  access: [{ anyone: true }],
  input: z.object({ token: tokenSchema }),
  run: ({ ctx, input, transact }) =>
    transact(async ({ tx }) => {
      const row = await openRegistration(tx, input.token, ctx.clock.now());
      if (row === undefined) return null;
      return {
        schoolName: row.schoolName,
        registerNumber: row.registerNumber,
        personName: row.personName,
        email: row.email,
      };
    }, {}),
});

const tenants = z.array(z.object({ id: z.uuid(), trust: z.string(), members: z.number() }));

/**
 * Confirms the address: makes the school, or takes the tenant that an agent's row made and nobody has entered, and answers
 * with the token of an invitation to its first administrator and signatory (whoever holds the link has shown that the
 * address is his). Where people are aboard under that number already, a tenant of its own is made, so that nothing is told
 * of the other; the operator's review sees both. Works once.
 */
export const confirmRegistration = defineLongVerb({
  name: 'schools.confirm-registration',
  kind: 'command',
  access: [{ anyone: true }],
  input: z.object({ token: tokenSchema }),
  run: async ({ ctx, input, transact }) => {
    const now = ctx.clock.now();
    const found = await transact(async ({ tx }) => {
      const row = await openRegistration(tx, input.token, now);
      if (row === undefined) throw new CrosswalkError('link-unusable', { details: { why: 'used' } });
      const known = tenants.parse(
        await tx.execute(
          sql`select id, trust, members from across.schools_with_number(${row.register}, ${row.registerNumber})`,
        ),
      );
      return { row, empty: known.find((school) => school.members === 0 && school.trust === 'unverified')?.id };
    }, {});
    const { row, empty } = found;
    const schoolId = empty ?? newSchoolId(now);
    return transact(
      async (work) => {
        const { tx } = work;
        await lockRegisterNumber(tx, row.register, row.registerNumber);
        const spent = await tx
          .update(schoolRegistration)
          .set({ usedAt: now })
          .where(and(eq(schoolRegistration.id, row.id), isNull(schoolRegistration.usedAt)))
          .returning({ id: schoolRegistration.id });
        if (spent.length === 0) throw new CrosswalkError('link-unusable', { details: { why: 'used' } });
        if (empty === undefined) await openSchool(tx, schoolId, { ...row, name: row.schoolName, sites: [] });
        await refuseAddressOfAgent(work, schoolId, row.email);
        const { linkId, token } = await createSingleUseLink(work, {
          purpose: 'invitation',
          validMilliseconds: hour,
          organisationId: schoolId,
          schoolId,
          email: row.email,
          name: row.personName,
          roles: ['school-administrator', 'signatory'],
          needsSignIn: true,
        });
        work.audit({
          action: 'schools.registered',
          subjectKind: 'school',
          subjectId: schoolId,
          details: { invitationId: linkId, newTenant: empty === undefined },
        });
        return { invitationToken: token };
      },
      { schoolId },
    );
  },
});
