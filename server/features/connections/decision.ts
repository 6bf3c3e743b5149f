import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { RequestRow } from './load-rows.ts';
import type { Situation } from './situation.ts';

/**
 * Holds a decision to what was shown: an open request, unchanged since. The caller holds the locks, so that of two
 * deciding at once the second meets the first one's decision.
 * @throws CrosswalkError `already-decided`, `request-not-sent`, `changed-meanwhile`
 */
export async function assertDecidable(
  { tx }: Work,
  situation: Situation,
  row: RequestRow,
  fingerprint: string,
): Promise<void> {
  switch (row.state) {
    case 'approved':
    case 'declined':
      throw new CrosswalkError('already-decided', { details: { state: row.state } });
    case 'draft':
      throw new CrosswalkError('request-not-sent');
    case 'withdrawn':
    case 'lapsed':
    case 'void':
      throw new CrosswalkError('changed-meanwhile', { details: { state: row.state } });
    case 'requested':
      if ((await fingerprintOf(tx, situation, row)) !== fingerprint) throw new CrosswalkError('changed-meanwhile');
  }
}
