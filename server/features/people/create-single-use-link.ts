import { singleUseLink } from '#db/schema/people.ts';
import type { LinkPurpose, Role } from '#db/schema/vocabulary.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import { newToken } from './session-token.ts';

export interface SingleUseLinkOrder {
  readonly purpose: LinkPurpose;
  readonly validMilliseconds: number;
  readonly organisationId?: string | null;
  /** Set exactly for links of a school; the transaction must be in its scope. */
  readonly schoolId?: string | null;
  readonly systemId?: string | null;
  readonly siteId?: string | null;
  readonly userId?: string | null;
  readonly email?: string | null;
  readonly name?: string | null;
  readonly roles?: readonly Role[];
  /** True where whoever opens it must have an account; a technical contact's set-up page needs none. */
  readonly needsSignIn?: boolean;
}

export const hour = 60 * 60 * 1000;
export const day = 24 * hour;

/**
 * Makes a link that works once. Only the hash of its token is kept: the token goes into a mail (`enqueueMail`, sealed)
 * or, for the first operator, to the console, and never into a verb's answer, a log or an audit row.
 */
export async function createSingleUseLink(
  work: Pick<Work, 'ctx' | 'tx'>,
  order: SingleUseLinkOrder,
): Promise<{ linkId: string; token: string }> {
  const { token, hash } = newToken();
  const now = work.ctx.clock.now();
  const linkId = newId();
  await work.tx.insert(singleUseLink).values({
    id: linkId,
    tokenHash: hash,
    purpose: order.purpose,
    organisationId: order.organisationId ?? null,
    schoolId: order.schoolId ?? null,
    systemId: order.systemId ?? null,
    siteId: order.siteId ?? null,
    userId: order.userId ?? null,
    email: order.email ?? null,
    name: order.name ?? null,
    roles: [...(order.roles ?? [])],
    createdBy: work.ctx.actor.kind === 'user' ? work.ctx.actor.userId : null,
    createdAt: now,
    expiresAt: new Date(now.getTime() + order.validMilliseconds),
    needsSignIn: order.needsSignIn ?? false,
  });
  return { linkId, token };
}
