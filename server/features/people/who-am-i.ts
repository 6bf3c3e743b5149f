import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, oidcIdentity } from '#db/schema/people.ts';
import { organisationKinds, roles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { hasSecondFactor } from './second-factor.ts';

const membershipRows = z.array(
  z.object({
    organisation_id: idSchema,
    organisation_kind: z.enum(organisationKinds),
    organisation_name: z.string(),
    requires_totp: z.boolean(),
    role: z.enum(roles),
    system_id: idSchema.nullable(),
    site_id: idSchema.nullable(),
    suspended: z.boolean(),
  }),
);

/**
 * Who is signed in, with what still stands between him and his work: `second-factor` to give, `second-factor-set-up`
 * where an organisation requires one. Null where nobody is.
 */
export const whoAmI = defineVerb({
  name: 'people.who-am-i',
  kind: 'query',
  access: [{ anyone: true }],
  input: z.object({}),
  run: async ({ ctx, tx }) => {
    const { actor } = ctx;
    if (actor.kind !== 'user') return null;
    const rows = membershipRows.parse(
      await tx.execute(sql`
        select organisation_id, organisation_kind, organisation_name, requires_totp, role, system_id, site_id, suspended
          from across.memberships_of_user(${actor.userId}) order by organisation_name, id`),
    );
    const account = await tx.query.appUser.findFirst({ where: eq(appUser.id, actor.userId) });
    const hasFactor = await hasSecondFactor(tx, actor.userId);
    const required = rows.some((row) => row.requires_totp);
    const identities = await tx.query.oidcIdentity.findMany({ where: eq(oidcIdentity.userId, actor.userId) });
    const organisations = [...Map.groupBy(rows, (row) => row.organisation_id).values()].flatMap((own) => {
      const [first] = own;
      if (first === undefined) return [];
      return {
        organisationId: first.organisation_id,
        kind: first.organisation_kind,
        name: first.organisation_name,
        requiresSecondFactor: first.requires_totp,
        suspended: first.suspended,
        roles: own.map((row) => ({ role: row.role, systemId: row.system_id, siteId: row.site_id })),
      };
    });
    const waitsFor =
      actor.assurance === 'full' ? null : hasFactor ? ('second-factor' as const) : ('second-factor-set-up' as const);
    // Before the second factor the person learns only what he needs to give it.
    if (waitsFor !== null) {
      return { userId: actor.userId, name: actor.name, email: actor.email, waitsFor, account: null };
    }
    return {
      userId: actor.userId,
      name: actor.name,
      email: actor.email,
      waitsFor,
      account: {
        hasPassword: (account?.passwordHash ?? null) !== null,
        hasSecondFactor: hasFactor,
        secondFactorRequired: required,
        identities: identities.map(({ issuer, subject, createdAt }) => ({ issuer, subject, createdAt })),
        organisations,
      },
    };
  },
});
