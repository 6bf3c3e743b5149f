import type { Work } from '#server/kernel/verb.ts';
import { advance } from './advance.ts';
import type { Locked } from './load-rows.ts';

/**
 * An amendment came to nothing. The old grant stands; where it was about another address the connection cannot go on,
 * and the technical contact is told to bring the approved one back.
 */
export async function dropAmendment(work: Work, locked: Locked): Promise<void> {
  if (locked.connection.cause === 'host-changed') await advance(work, locked, { type: 'drop-amendment' });
}
