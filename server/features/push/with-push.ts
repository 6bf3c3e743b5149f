import { and, eq, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, grant, request, system } from '#db/schema/index.ts';
import { pushScopes } from '#db/schema/vocabulary.ts';
import type { OpenConnector } from '#server/connectors/open-connector.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { PushPorts } from '#server/roster/push/ports.ts';
import { sameOrigins } from '../connections/situation.ts';
import { withOpened } from '../connections/use-credential.ts';

type Use = Parameters<PushPorts['withPush']>[1];

/** Opens the LMS for a push: its grant lives at every use, whatever was so a moment ago. */
async function opened<T>(ctx: Context, use: Use, run: (connector: OpenConnector) => Promise<T>): Promise<T> {
  const { schoolId, systemId, connectionId, pushRunId } = use;
  const refusal = await ctx.database.withSchool(schoolId, (tx) => unapproved(tx, { schoolId, systemId, connectionId }));
  if (refusal !== null) throw new CrosswalkError(refusal);
  return withOpened(ctx, { schoolId, systemId, purpose: 'push', syncRunId: pushRunId }, run);
}

/** Why the LMS may not be written into where it stands now; null where a live grant lets it. */
export async function unapproved(
  tx: Tx,
  { schoolId, systemId, connectionId }: Pick<Use, 'schoolId' | 'systemId' | 'connectionId'>,
): Promise<'grant-not-live' | 'host-not-approved' | null> {
  const [live] = await tx
    .select({ approved: request.consumerOrigins, now: system.origins })
    .from(connection)
    .innerJoin(grant, and(eq(grant.connectionId, connection.id), isNull(grant.endedAt)))
    .innerJoin(request, eq(request.id, grant.requestId))
    .innerJoin(system, and(eq(system.id, connection.consumerSystemId), eq(system.id, systemId)))
    .where(and(eq(connection.id, connectionId), eq(connection.schoolId, schoolId), isNull(connection.endedAt)));
  if (live === undefined) return 'grant-not-live';
  return sameOrigins(live.approved, live.now) ? null : 'host-not-approved';
}

/** Implements the port of server/roster/push/ports.ts; see there for the promise. */
export const withPush: PushPorts['withPush'] = (ctx, use, run) =>
  opened(ctx, use, async (connector) => {
    if (connector.push === null) throw new CrosswalkError('push-not-offered', { details: { connector: connector.id } });
    return run(connector.push);
  });

/** Implements the port: the credential may read and write what a push needs, by a real call for each scope. */
export const provePush: PushPorts['provePush'] = (ctx, use) =>
  opened(ctx, use, async (connector) => {
    const { results } = await connector.prove(pushScopes);
    const refused = results.find(({ ok }) => !ok);
    if (refused !== undefined) {
      throw new CrosswalkError(refused.errorCode ?? 'scope-missing', {
        details: { ...refused.details, scope: refused.scope },
      });
    }
  });
