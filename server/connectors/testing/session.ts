import { type Clock, systemClock } from '#server/kernel/clock.ts';
import { createOutboundClient } from '#server/kernel/outbound/client.ts';
import type { CallRecord, Session, Tokens } from '../contract.ts';

/** A session for a test: tokens kept in memory, calls kept in a list. */
export function testSession(system: {
  settings: unknown;
  secret: unknown;
  tokens?: Tokens | null;
  /** How long a silent peer is waited for. */
  idleTimeoutMs?: number;
  clock?: Clock;
}) {
  const { idleTimeoutMs } = system;
  const http = createOutboundClient({ mode: 'demo', ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }) });
  const calls: CallRecord[] = [];
  const kept = { tokens: system.tokens ?? null };
  const session: Session<unknown, unknown> = {
    settings: system.settings,
    secret: system.secret,
    http,
    clock: system.clock ?? systemClock,
    purpose: 'proof',
    record: (call) => void calls.push(call),
    tokens: async (renew, rejected) => {
      if (kept.tokens === null || kept.tokens.accessToken === rejected) kept.tokens = await renew(kept.tokens);
      return kept.tokens;
    },
  };
  return { session, calls, kept, close: () => http.close() };
}
