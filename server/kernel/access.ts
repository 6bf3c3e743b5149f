import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { AgentRole, LinkPurpose, SchoolRole } from '#db/schema/vocabulary.ts';
import type { Actor, Context, Membership } from './context.ts';
import { CrosswalkError } from './errors.ts';
import { idSchema } from './ids.ts';

/**
 * Who may call a verb: a list of alternatives, the first that fits wins. The input names the organisation: `schoolId`
 * for a school's roles, `agentId` for an agent's.
 */
export type Access =
  | { readonly anyone: true }
  /** Any account; `half` also before the second factor. */
  | { readonly signedIn: true; readonly half?: true }
  | { readonly school: readonly SchoolRole[] }
  /** `serves`: the input's `schoolId` must be one that this agent knows (prospect) or has an agreement in force with. */
  | { readonly agent: readonly AgentRole[]; readonly serves?: 'prospect' | 'agreement' }
  | { readonly operator: true }
  /** The holder of a single-use link that needs no account; the link names the school. */
  | { readonly link: LinkPurpose }
  | { readonly job: true }
  /** Start-up, seed and command line. */
  | { readonly system: true };

/** By which alternative the caller was let in, and with which memberships. */
export interface Party {
  readonly as: 'anyone' | 'account' | 'school' | 'agent' | 'operator' | 'link' | 'job' | 'system';
  readonly schoolId: string | null;
  readonly agentId: string | null;
  /** The memberships that let him in: empty where none were needed. */
  readonly memberships: readonly Membership[];
}

const targetSchema = z.object({
  schoolId: idSchema.optional().catch(undefined),
  agentId: idSchema.optional().catch(undefined),
});
const relationSchema = z.array(z.object({ prospect: z.boolean(), agreement: z.boolean() }));

/**
 * Lets the caller in or throws: `not-signed-in`, `second-factor-needed` or `forbidden`. Runs before the input is
 * parsed, so that a stranger learns nothing of it; a school that does not exist answers as one that is not his.
 */
export async function authorise(ctx: Context, access: readonly Access[], rawInput: unknown): Promise<Party> {
  const target = targetSchema.catch({ schoolId: undefined, agentId: undefined }).parse(rawInput ?? {});
  for (const alternative of access) {
    const party = await tryAlternative(ctx, alternative, target);
    if (party !== null) return party;
  }
  throw refusal(ctx.actor);
}

function refusal(actor: Actor): CrosswalkError {
  if (actor.kind === 'anonymous') return new CrosswalkError('not-signed-in');
  if (actor.kind === 'user' && actor.assurance !== 'full') return new CrosswalkError('second-factor-needed');
  return new CrosswalkError('forbidden');
}

type Target = z.output<typeof targetSchema>;

async function tryAlternative(ctx: Context, alternative: Access, target: Target): Promise<Party | null> {
  const { actor } = ctx;
  const party = (as: Party['as'], more: Partial<Party> = {}): Party => ({
    as,
    schoolId: target.schoolId ?? null,
    agentId: target.agentId ?? null,
    memberships: [],
    ...more,
  });
  if ('anyone' in alternative) return party('anyone');
  if ('job' in alternative) return actor.kind === 'job' ? party('job') : null;
  if ('system' in alternative) return actor.kind === 'system' ? party('system') : null;
  if ('link' in alternative) {
    if (actor.kind !== 'link' || actor.purpose !== alternative.link) return null;
    if (target.schoolId !== undefined && target.schoolId !== actor.schoolId) return null;
    return party('link', { schoolId: actor.schoolId });
  }
  if (actor.kind !== 'user') return null;
  if ('signedIn' in alternative) {
    return actor.assurance === 'full' || alternative.half === true ? party('account') : null;
  }
  if (actor.assurance !== 'full') return null;
  if ('operator' in alternative) {
    const memberships = actor.memberships.filter((m) => m.role === 'operator');
    return memberships.length > 0 ? party('operator', { memberships }) : null;
  }
  if ('school' in alternative) {
    if (target.schoolId === undefined) return null;
    const memberships = actor.memberships.filter(
      (m) => m.schoolId === target.schoolId && alternative.school.some((role) => role === m.role),
    );
    return memberships.length > 0 ? party('school', { memberships }) : null;
  }
  const memberships = actor.memberships.filter(
    (m) => m.organisationId === target.agentId && alternative.agent.some((role) => role === m.role),
  );
  if (memberships.length === 0) return null;
  if (alternative.serves !== undefined) {
    if (target.schoolId === undefined || target.agentId === undefined) return null;
    const { agentId, schoolId } = target;
    const rows = relationSchema.parse(
      await ctx.database.withoutSchool((tx) =>
        tx.execute(sql`select prospect, agreement from across.agent_relation(${agentId}, ${schoolId})`),
      ),
    );
    if (rows[0]?.[alternative.serves] !== true) return null;
  }
  return party('agent', { memberships });
}
