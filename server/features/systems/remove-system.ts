import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { request, system } from '#db/schema/index.ts';
import { advance } from '#server/features/connections/advance.ts';
import { bidFarewell, destroyCredentials } from '#server/features/connections/destroy-credentials.ts';
import { endConnection } from '#server/features/connections/end-connection.ts';
import {
  credentialsOf,
  lockConnectionsInto,
  lockConnectionsOf,
  lockSystem,
  openRequestOf,
} from '#server/features/connections/load-rows.ts';
import { purgeUngranted } from '#server/features/connections/purge-ungranted.ts';
import { withdrawLinks } from '#server/features/connections/system-links.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';

/**
 * Takes a system out: its connections end, its credential is destroyed, what came from it is purged, each with a
 * receipt. The row stays for the history.
 */
export const removeSystem = defineLongVerb({
  name: 'systems.remove',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  async run({ ctx, transact, input: { schoolId, systemId } }) {
    const result = await transact(async (work) => {
      const { tx } = work;
      const row = await lockSystem(tx, schoolId, systemId);
      const own = await lockConnectionsOf(tx, schoolId, systemId);
      const connections = [
        ...own.map((connection) => ({ system: row, connection })),
        // What an LMS receives ends with it too.
        ...(await lockConnectionsInto(tx, schoolId, systemId)),
      ];
      for (const locked of connections) {
        const { connection } = locked;
        if (connection.state === 'draft' || connection.state === 'requested') {
          const open = await openRequestOf(tx, schoolId, connection.id);
          await advance(work, locked, { type: 'withdraw', by: 'school' });
          if (open !== null) {
            await tx
              .update(request)
              .set({ state: 'void', voidReason: 'system-removed' })
              .where(eq(request.id, open.id));
          }
        } else {
          await endConnection(work, locked, { type: 'revoke', because: 'system-removed' });
        }
      }
      const held = await credentialsOf(tx, schoolId, systemId);
      const farewells = await destroyCredentials(work, row, held, 'system-removed');
      await withdrawLinks(work, schoolId, systemId);
      await purgeUngranted(work, row, 'system-removed');
      await tx.update(system).set({ removedAt: ctx.clock.now() }).where(eq(system.id, systemId));
      work.audit({
        action: 'system.removed',
        subjectKind: 'system',
        subjectId: systemId,
        details: { connections: connections.length, credentials: held.length },
      });
      return { farewells, connections: connections.length };
    });
    await bidFarewell(ctx, result.farewells);
    return { ended: result.connections };
  },
});
