import { and, eq, inArray, isNull } from 'drizzle-orm';
import { connection, request } from '#db/schema/index.ts';
import type { ConnectionState } from '#db/schema/vocabulary.ts';
import type { AgreementListener } from '#server/features/agreements/listener.ts';
import type { Work } from '#server/kernel/verb.ts';
import { advanceIfAllowed } from './advance.ts';
import { dropAmendment } from './drop-amendment.ts';
import { endConnection } from './end-connection.ts';
import { lockConnection, openRequestOf } from './load-rows.ts';
import { discardQueuedRuns } from './purge-ungranted.ts';
import { resumePausedBy } from './stop-everything.ts';

async function connectionsIn(work: Work, schoolId: string, states: readonly ConnectionState[]): Promise<string[]> {
  const rows = await work.tx
    .select({ id: connection.id })
    .from(connection)
    .where(and(eq(connection.schoolId, schoolId), isNull(connection.endedAt), inArray(connection.state, [...states])))
    .orderBy(connection.producerSystemId, connection.id);
  return rows.map(({ id }) => id);
}

/** What an agreement does to the school's connections (DESIGN.md §2): pause at its end, end after the grace. */
export const connectionsListener: AgreementListener = {
  async onAgreementInForce({ work, schoolId }) {
    await resumePausedBy(work, schoolId, 'agreement-ended');
  },

  async onAgreementEnded({ work, schoolId }) {
    for (const id of await connectionsIn(work, schoolId, ['requested', 'approved', 'connecting', 'live', 'failing'])) {
      const locked = await lockConnection(work.tx, schoolId, id);
      const open = await openRequestOf(work.tx, schoolId, id);
      if (locked.connection.state === 'requested') {
        await advanceIfAllowed(work, locked, { type: 'lapse', because: 'agreement' });
      } else {
        await advanceIfAllowed(work, locked, { type: 'pause', by: 'agreement-ended' });
      }
      if (open?.state === 'requested') {
        await work.tx
          .update(request)
          .set({ state: 'lapsed', voidReason: 'agreement-ended' })
          .where(eq(request.id, open.id));
        if (locked.connection.state !== 'requested')
          await dropAmendment(work, await lockConnection(work.tx, schoolId, id));
      }
    }
    await discardQueuedRuns(work, schoolId, null);
  },

  async onAgreementGraceEnded({ work, schoolId }) {
    const living = ['approved', 'connecting', 'live', 'failing', 'paused'] as const;
    for (const id of await connectionsIn(work, schoolId, living)) {
      const locked = await lockConnection(work.tx, schoolId, id);
      await endConnection(work, locked, { type: 'expire', because: 'agreement' });
    }
  },
};
