import type { StateLook } from '#components/ui/state-badge.tsx';
import type { ConnectionState, SyncState, Turn } from '#db/schema/vocabulary.ts';

/**
 * How a connection's standing looks. A state alone does not say it: a live edge whose sync waits for somebody's word
 * asks for attention, and one that is still being connected can have run into a refusal.
 */
export function lookOfConnection(state: ConnectionState, cause: string | null, turn: Turn): StateLook {
  switch (state) {
    case 'draft':
    case 'requested':
    case 'approved':
      return cause !== null && refusals.has(cause) ? 'fail' : 'wait';
    case 'connecting':
      return cause !== null && refusals.has(cause) ? 'fail' : 'wait';
    case 'live':
      return turn === 'nobody' || turn === 'crosswalk' ? 'live' : 'wait';
    case 'failing':
      return 'fail';
    case 'paused':
    case 'declined':
    case 'withdrawn':
    case 'lapsed':
    case 'revoked':
    case 'expired':
      return 'rest';
  }
}

const refusals = new Set([
  'proof-refused',
  'credential-refused',
  'credential-too-narrow',
  'host-not-accepted',
  'system-unreachable',
  'system-refuses',
  'crosswalk-fault',
  'lms-credential-refused',
  'lms-credential-too-narrow',
  'push-not-done',
]);

/** Whether there is nothing more to come on a connection. */
export function isOver(state: ConnectionState): boolean {
  return (
    state === 'declined' || state === 'withdrawn' || state === 'lapsed' || state === 'revoked' || state === 'expired'
  );
}

export function lookOfRun(state: SyncState): StateLook {
  switch (state) {
    case 'queued':
    case 'running':
      return 'wait';
    case 'held':
      return 'wait';
    case 'succeeded':
      return 'live';
    case 'failed':
      return 'fail';
    case 'discarded':
      return 'rest';
  }
}
