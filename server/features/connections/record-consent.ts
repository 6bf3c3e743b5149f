import { consent } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import type { RequestRow } from './load-rows.ts';

/** Keeps one side's word about a request: who, when, purpose, term. Rows are only added, so that the history stays. */
export async function recordConsent(
  { ctx, tx }: Work,
  row: RequestRow,
  word: {
    readonly side: 'producer' | 'consumer';
    readonly status: 'accepted' | 'declined' | 'revoked';
    readonly organisation: string;
    /** Who it is, where he has no account and has said so himself. */
    readonly byName?: string;
  },
): Promise<void> {
  await tx.insert(consent).values({
    id: newId(),
    schoolId: row.schoolId,
    connectionId: row.connectionId,
    requestId: row.id,
    side: word.side,
    status: word.status,
    byUserId: userIdOf(ctx),
    byName: word.byName ?? nameOf(ctx.actor),
    byOrganisationName: word.organisation,
    purpose: row.purpose,
    until: row.until,
    at: ctx.clock.now(),
  });
}

function nameOf(actor: Work['ctx']['actor']): string {
  switch (actor.kind) {
    case 'user':
    case 'link':
      return actor.name;
    case 'job':
      return actor.job;
    case 'system':
      return actor.reason;
    case 'anonymous':
      return '';
  }
}
