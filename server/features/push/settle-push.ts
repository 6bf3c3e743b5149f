import type { Work } from '#server/kernel/verb.ts';
import { advanceIfAllowed } from '../connections/advance.ts';
import { lockConnection } from '../connections/load-rows.ts';

/** A push that waited waits no more: it follows, or the connection stands as before it. */
export async function settlePush(
  work: Work,
  { schoolId, connectionId, approved }: { schoolId: string; connectionId: string; approved: boolean },
): Promise<void> {
  const locked = await lockConnection(work.tx, schoolId, connectionId);
  await advanceIfAllowed(work, locked, { type: 'settle-push', approved }, { quiet: true });
}
