import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '#db/client.ts';
import { roles, sessionStates } from '#db/schema/vocabulary.ts';
import type { Actor, Membership } from '#server/kernel/context.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { hashToken, sessionIdleMilliseconds } from './session-token.ts';

const membershipSchema = z.object({
  organisationId: idSchema,
  schoolId: idSchema.nullable(),
  role: z.enum(roles),
  systemId: idSchema.nullable(),
  siteId: idSchema.nullable(),
  requiresTotp: z.boolean(),
  suspended: z.boolean(),
});

const rowsSchema = z.array(
  z.object({
    session_id: idSchema,
    state: z.enum(sessionStates),
    stale: z.boolean(),
    user_id: idSchema,
    name: z.string(),
    email: z.string(),
    has_totp: z.boolean(),
    memberships: z.array(membershipSchema),
  }),
);

const anonymous: Actor = { kind: 'anonymous' };

/**
 * Who stands behind a session token, read at every request: a session that was revoked, ran out or belongs to a
 * disabled account is nobody. `full` needs a raised session and, where an organisation requires a second factor, one
 * that is set up. Roles in a suspended organisation do not count.
 */
export async function actorOfSession(database: Database, token: string, now: Date): Promise<Actor> {
  const idleSince = new Date(now.getTime() - sessionIdleMilliseconds).toISOString();
  const staleBefore = new Date(now.getTime() - 60_000).toISOString();
  const at = now.toISOString();
  return database.withoutSchool(async (tx) => {
    const [row] = rowsSchema.parse(
      await tx.execute(sql`
        select s.id as session_id, s.state, s.last_seen_at < ${staleBefore}::timestamptz as stale, u.id as user_id, u.name, u.email,
               exists (select 1 from totp t where t.user_id = u.id and t.confirmed_at is not null) as has_totp,
               coalesce((select jsonb_agg(jsonb_build_object(
                   'organisationId', m.organisation_id, 'schoolId', m.school_id, 'role', m.role, 'systemId', m.system_id,
                   'siteId', m.site_id, 'requiresTotp', m.requires_totp, 'suspended', m.suspended) order by m.id)
                 from across.memberships_of_user(u.id) m), '[]') as memberships
          from session s join app_user u on u.id = s.user_id
         where s.token_hash = ${hashToken(token)} and s.revoked_at is null and s.state <> 'revoked'
           and s.expires_at > ${at}::timestamptz and s.last_seen_at > ${idleSince}::timestamptz and u.disabled_at is null`),
    );
    if (row === undefined) return anonymous;
    if (row.stale)
      await tx.execute(sql`update session set last_seen_at = ${at}::timestamptz where id = ${row.session_id}`);
    const required = row.memberships.some((membership) => membership.requiresTotp);
    const full = row.state === 'full' && (row.has_totp || !required);
    return {
      kind: 'user',
      userId: row.user_id,
      name: row.name,
      email: row.email,
      sessionId: row.session_id,
      assurance: full ? 'full' : 'password-ok',
      memberships: row.memberships
        .filter((membership) => !membership.suspended)
        .map(
          ({ organisationId, schoolId, role, systemId, siteId }): Membership => ({
            organisationId,
            schoolId,
            role,
            systemId,
            siteId,
          }),
        ),
    };
  });
}
