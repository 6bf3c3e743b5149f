import { and, asc, eq, inArray, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, appUser, system } from '#db/schema/index.ts';
import { agreementStatesInForce, schoolRoles } from '#db/schema/vocabulary.ts';
import { hostsOfLms, hostsOfSystem } from '#server/features/systems/hosts-of-system.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { askableScopes } from './askable-scopes.ts';
import { schoolRow } from './load-rows.ts';
import { marketplaceName } from './marketplace-name.ts';
import { readConnections } from './read-connections.ts';
import { isEnded } from './state-machine.ts';

/**
 * The school's connection graph (STYLE.md, "One idea carries the product"): its systems and the marketplace as nodes, each edge
 * with its state, cause, turn, next step, what flows and when data last came.
 */
export const schoolGraph = defineVerb({
  name: 'connections.school-graph',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  async run({ ctx, tx, input: { schoolId } }) {
    const school = await schoolRow(tx, schoolId);
    const systems = await tx
      .select()
      .from(system)
      .where(and(eq(system.schoolId, schoolId), isNull(system.removedAt)))
      .orderBy(asc(system.createdAt), asc(system.id));
    const edges = await readConnections(tx, schoolId, ctx.clock.now());
    const living = edges.filter(({ state }) => !isEnded(state));
    const [stopper] =
      school.stoppedBy === null
        ? []
        : await tx.select({ name: appUser.name }).from(appUser).where(eq(appUser.id, school.stoppedBy));
    const inForce = await tx
      .select({ id: agreement.id, termEnd: agreement.termEnd, endsOn: agreement.endsOn })
      .from(agreement)
      .where(and(eq(agreement.schoolId, schoolId), inArray(agreement.state, [...agreementStatesInForce])))
      .limit(1);
    const received = living.flatMap(({ lastReceivedAt }) =>
      lastReceivedAt === null ? [] : [lastReceivedAt.getTime()],
    );
    return {
      school: { id: schoolId, name: school.name, trust: school.trust },
      stopped: school.stoppedAt === null ? null : { at: school.stoppedAt, by: stopper?.name ?? null },
      agreementInForce: inForce.length > 0,
      /** Last day of the agreement in force, `yyyy-mm-dd`. */
      agreementEnds: inForce[0] === undefined ? null : (inForce[0].endsOn ?? inForce[0].termEnd),
      /** Nodes besides the school itself; the marketplace is always one. */
      marketplace: {
        name: await marketplaceName(tx),
        consumes: living.filter(({ consumer }) => consumer.kind === 'marketplace').length,
      },
      systems: systems.map((row) => ({
        id: row.id,
        kind: row.kind,
        name: row.name,
        connector: row.connector,
        hosts: row.kind === 'lms' ? hostsOfLms(ctx, row) : hostsOfSystem(ctx, row),
        /** Whether the marketplace can ask anything of it: an LMS that asks us is never asked. */
        isAskable: askableScopes('marketplace', row.kind, row.connector).length > 0,
        hostConfirmed: row.hostConfirmedAt !== null,
        edges: living.filter(({ producer }) => producer.id === row.id).length,
      })),
      edges: living,
      ended: edges.filter(({ state }) => isEnded(state)),
      /** For the first line of the page: how things stand. */
      summary: {
        live: living.filter(({ state }) => state === 'live').length,
        failing: living.filter(({ state }) => state === 'failing').length,
        paused: living.filter(({ state }) => state === 'paused').length,
        waiting: living.filter(({ turn }) => turn !== 'nobody' && turn !== 'crosswalk').length,
        requests: living.filter(({ openRequest }) => openRequest?.state === 'requested').length,
        lastReceivedAt: received.length === 0 ? null : new Date(Math.max(...received)),
      },
    };
  },
});
