import type { Work } from '#server/kernel/verb.ts';
import { advanceIfAllowed } from '../connections/advance.ts';
import { lockConnection } from '../connections/load-rows.ts';

/** A push that waited waits no more: nobody's turn, and the connection stands as before. */
export async function settlePush(work: Work, schoolId: string, connectionId: string): Promise<void> {
  const locked = await lockConnection(work.tx, schoolId, connectionId);
  await advanceIfAllowed(work, locked, { type: 'settle' }, { quiet: true });
}
