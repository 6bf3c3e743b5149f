import { and, desc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, membership, organisation, registerEntry, school, singleUseLink } from '#db/schema/index.ts';
import { foldEmail } from '#server/features/people/email-address.ts';
import { membersOf } from '#server/features/people/members-of.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { domainOfEmail, isPublicMailDomain } from './mail-domain.ts';

const agentsSchema = z.array(z.object({ id: z.uuid(), name: z.string(), inForce: z.boolean() }));
const doublesSchema = z.array(z.object({ id: z.uuid(), trust: z.string(), members: z.number() }));
const flag = z.array(z.object({ is: z.boolean() }));

/**
 * A school with everything that the operator checks before he trusts it: the register's entry, who came aboard with which
 * address and by whose invitation, which agents know it, and other tenants of the same number. No data of the school's.
 */
export const viewSchoolForReview = defineVerb({
  name: 'schools.view-for-review',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({ schoolId: idSchema }),
  run: async (work) => {
    const { tx, input } = work;
    const row = await tx.query.school.findFirst({ where: eq(school.id, input.schoolId) });
    if (row === undefined) throw new CrosswalkError('not-found');
    const entry = await tx.query.registerEntry.findFirst({
      where: and(eq(registerEntry.register, row.register), eq(registerEntry.registerNumber, row.registerNumber)),
    });
    const links = await tx.query.singleUseLink.findMany({
      columns: { email: true, createdBy: true, usedAt: true },
      where: and(
        eq(singleUseLink.schoolId, input.schoolId),
        eq(singleUseLink.purpose, 'invitation'),
        isNotNull(singleUseLink.usedAt),
      ),
      orderBy: desc(singleUseLink.usedAt),
    });
    const inviters = new Map(
      (
        await tx
          .select({ id: appUser.id, name: appUser.name, organisation: organisation.name, kind: organisation.kind })
          .from(appUser)
          .innerJoin(membership, eq(membership.userId, appUser.id))
          .innerJoin(organisation, eq(organisation.id, membership.organisationId))
          .where(
            inArray(
              appUser.id,
              links.flatMap((link) => (link.createdBy === null ? [] : [link.createdBy])),
            ),
          )
      ).map((inviter) => [inviter.id, inviter]),
    );
    const members = await Promise.all(
      (await membersOf(work, input.schoolId)).map(async (member) => {
        const folded = foldEmail(member.email) ?? '';
        const domain = domainOfEmail(folded);
        const link = links.find((one) => one.email !== null && foldEmail(one.email) === folded);
        const inviter = link?.createdBy == null ? undefined : inviters.get(link.createdBy);
        const [agents] = flag.parse(await tx.execute(sql`select across.is_agents_address(${folded}) as is`));
        return {
          userId: member.userId,
          name: member.name,
          email: member.email,
          roles: member.memberships.map(({ role }) => role),
          since: member.memberships[0]?.since ?? null,
          domain,
          domainMatches: row.registerDomain !== null && row.registerDomain === domain,
          publicDomain: isPublicMailDomain(domain),
          agentsAddress: agents?.is ?? false,
          invitedBy:
            inviter === undefined
              ? null
              : { name: inviter.name, organisation: inviter.organisation, kind: inviter.kind },
          confirmedAt: link?.usedAt ?? null,
        };
      }),
    );
    const agents = agentsSchema.parse(
      await tx.execute(sql`select id, name, in_force as "inForce" from across.agents_of_school(${input.schoolId})`),
    );
    const doubles = doublesSchema
      .parse(
        await tx.execute(
          sql`select id, trust, members from across.schools_with_number(${row.register}, ${row.registerNumber})`,
        ),
      )
      .filter((other) => other.id !== row.id);
    const {
      id,
      name,
      register,
      registerNumber,
      country,
      timeZone,
      trust,
      trustGround,
      trustedAt,
      trustNote,
      registerDomain,
      createdAt,
    } = row;
    return {
      school: {
        id,
        name,
        register,
        registerNumber,
        country,
        timeZone,
        trust,
        trustGround,
        trustedAt,
        trustNote,
        registerDomain,
        createdAt,
      },
      registerEntry:
        entry === undefined ? null : { name: entry.name, domain: entry.domain, importedAt: entry.importedAt },
      members,
      agents,
      doubles,
    };
  },
});
