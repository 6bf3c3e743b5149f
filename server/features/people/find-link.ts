import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { singleUseLink } from '#db/schema/people.ts';
import { type LinkPurpose, linkPurposes } from '#db/schema/vocabulary.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { linkRolesSchema } from './invitation-links.ts';
import { hashToken } from './session-token.ts';

const time = z.coerce.date();
const rowsSchema = z.array(
  z.object({
    id: idSchema,
    purpose: z.enum(linkPurposes),
    organisation_id: idSchema.nullable(),
    school_id: idSchema.nullable(),
    system_id: idSchema.nullable(),
    site_id: idSchema.nullable(),
    user_id: idSchema.nullable(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    roles: linkRolesSchema,
    created_by: idSchema.nullable(),
    expires_at: time,
    used_at: time.nullable(),
    withdrawn_at: time.nullable(),
  }),
);
export type FoundLink = z.infer<typeof rowsSchema>[number];

export type LinkState = 'open' | 'used' | 'withdrawn' | 'expired' | 'unknown';

/** A link by its token, found without knowing its school. Anything that is no link of these purposes is `unknown`. */
export async function findLink(
  ctx: Pick<Context, 'database' | 'clock'>,
  token: string,
  purposes: readonly LinkPurpose[],
): Promise<{ state: 'unknown'; link: null } | { state: Exclude<LinkState, 'unknown'>; link: FoundLink }> {
  const [link] = rowsSchema.parse(
    await ctx.database.withoutSchool((tx) =>
      tx.execute(sql`
        select id, purpose, organisation_id, school_id, system_id, site_id, user_id, email, name, to_jsonb(roles) as roles, created_by,
               expires_at, used_at, withdrawn_at
          from across.single_use_link_by_hash(${hashToken(token)})`),
    ),
  );
  if (link === undefined || !purposes.includes(link.purpose)) return { state: 'unknown', link: null };
  if (link.used_at !== null) return { state: 'used', link };
  if (link.withdrawn_at !== null) return { state: 'withdrawn', link };
  return { state: link.expires_at <= ctx.clock.now() ? 'expired' : 'open', link };
}

/** `findLink` that throws `link-unusable` (with `details.why`) for all but an open one. */
export async function findOpenLink(
  ctx: Pick<Context, 'database' | 'clock'>,
  token: string,
  purposes: readonly LinkPurpose[],
): Promise<FoundLink> {
  const { state, link } = await findLink(ctx, token, purposes);
  if (state !== 'open') throw new CrosswalkError('link-unusable', { details: { why: state } });
  return link;
}

/** Uses a link up, in its school's scope; of two at once one gets `link-unusable`. */
export async function spendLink(tx: Tx, linkId: string, now: Date): Promise<void> {
  const used = await tx
    .update(singleUseLink)
    .set({ usedAt: now })
    .where(
      and(
        eq(singleUseLink.id, linkId),
        isNull(singleUseLink.usedAt),
        isNull(singleUseLink.withdrawnAt),
        gt(singleUseLink.expiresAt, now),
      ),
    )
    .returning({ id: singleUseLink.id });
  if (used.length === 0) throw new CrosswalkError('link-unusable', { details: { why: 'used' } });
}
