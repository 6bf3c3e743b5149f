import type { Actor, Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

export type SignedInUser = Extract<Actor, { kind: 'user' }>;

/** The account that acts; `access` has let only accounts in, the compiler does not know that. */
export function signedInUser(ctx: Pick<Context, 'actor'>): SignedInUser {
  if (ctx.actor.kind !== 'user') throw new CrosswalkError('not-signed-in');
  return ctx.actor;
}
