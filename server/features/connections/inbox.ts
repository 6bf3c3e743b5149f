import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { school } from '#db/schema/index.ts';
import { type SchoolRole, schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { type EdgeView, readConnections } from './read-connections.ts';
import { isEnded, type NextStep } from './state-machine.ts';

/** One thing that waits for the reader. */
export interface InboxItem {
  readonly kind: 'request' | 'connection' | 'renewal';
  readonly role: SchoolRole;
  readonly connectionId: string;
  readonly requestId: string | null;
  readonly system: { readonly id: string; readonly name: string; readonly kind: 'sis' | 'lms' };
  /** The name of the system that the cause speaks of. */
  readonly about: string;
  readonly state: EdgeView['state'];
  readonly cause: EdgeView['cause'];
  readonly next: NextStep | 'renew';
  readonly since: Date;
}

/** What waits for the reader at this school, by the roles that he holds for each system, the oldest first. */
export const inbox = defineVerb({
  name: 'connections.inbox',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  async run({
    ctx,
    tx,
    party,
    input: { schoolId },
  }): Promise<{ items: InboxItem[]; school: { stoppedAt: Date | null } }> {
    const edges = (await readConnections(tx, schoolId, ctx.clock.now())).filter(({ state }) => !isEnded(state));
    const has = (role: SchoolRole, systemId: string) =>
      party.memberships.some(
        (membership) => membership.role === role && (membership.systemId === null || membership.systemId === systemId),
      );
    const items = edges.flatMap((edge): InboxItem[] => {
      const common = {
        connectionId: edge.connectionId,
        system: { id: edge.producer.id, name: edge.producer.name, kind: edge.producer.kind },
        about: edge.about.name,
        state: edge.state,
        cause: edge.cause,
      };
      const found: InboxItem[] = [];
      const { openRequest } = edge;
      const decides = openRequest?.state === 'requested' && edge.cause !== 'host-missing';
      if (decides && has('approver', edge.producer.id)) {
        found.push({
          ...common,
          kind: 'request',
          role: 'approver',
          requestId: openRequest.id,
          next: 'decide',
          since: openRequest.sentAt ?? edge.since,
        });
      }
      const role = schoolRoles.find((known) => known === edge.turn);
      if (role !== undefined && has(role, edge.about.id) && !(decides && role === 'approver')) {
        found.push({
          ...common,
          system: edge.about,
          kind: openRequest === null ? 'connection' : 'request',
          role,
          requestId: openRequest?.id ?? null,
          next: edge.next,
          since: edge.since,
        });
      }
      if (edge.grantId !== null && edge.daysLeft <= 90 && has('approver', edge.producer.id)) {
        found.push({ ...common, kind: 'renewal', role: 'approver', requestId: null, next: 'renew', since: edge.since });
      }
      return found;
    });
    const [row] = await tx.select({ stoppedAt: school.stoppedAt }).from(school).where(eq(school.id, schoolId));
    return {
      items: items.toSorted((a, b) => a.since.getTime() - b.since.getTime()),
      school: { stoppedAt: row?.stoppedAt ?? null },
    };
  },
});
