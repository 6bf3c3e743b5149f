import { createHash } from 'node:crypto';
import { createDeviations } from '#server/connectors/exchange/deviations.ts';
import { type CanvasSession, getPage, listOf, pageSize, rootAccount } from './client.ts';
import type { EmailOf } from './sis-rows.ts';
import { userRecordSchema } from './wire.ts';

const marked = (email: string) => createHash('sha256').update(email.toLowerCase()).digest('base64url').slice(0, 16);
const isMadeUp = (email: string) => email.toLowerCase().endsWith('.invalid');

/**
 * Which addresses may be told to Canvas. It writes to people by itself where an account gets an address that another one without an SIS id has: it
 * offers to merge the two (`lib/sis/user_importer.rb`, `send_merge_notification!`). So nobody is given such an address. Where addresses may
 * not be seen nobody is given any; a made-up one, which Canvas needs not and advises against, is never told.
 */
export async function freeEmails(session: CanvasSession): Promise<EmailOf> {
  const deviations = createDeviations();
  const root = await rootAccount(session, deviations);
  const path = `/api/v1/accounts/${encodeURIComponent(root)}/users`;
  const scope = 'url:GET|/api/v1/accounts/:account_id/users';
  const taken = new Map<string, Set<string>>();
  let isSeen = true;
  let query: string | null | undefined = `per_page=${pageSize}&include[]=email`;
  while (typeof query === 'string') {
    const page: Awaited<ReturnType<typeof getPage>> = await getPage(session, path, query, scope, deviations);
    const rows = listOf(userRecordSchema)(page.json);
    if (rows.some((row) => !('email' in row) || !('sis_user_id' in row))) isSeen = false;
    for (const { id, email, sis_user_id } of rows) {
      if (typeof email !== 'string' || typeof sis_user_id === 'string') continue;
      const key = marked(email);
      taken.set(key, (taken.get(key) ?? new Set()).add(id));
    }
    query = page.next;
  }
  return ({ content, foreignId, action }) => {
    const email = content?.email ?? null;
    if (email === null || !isSeen || action === 'keep' || isMadeUp(email)) return null;
    const holders = [...(taken.get(marked(email)) ?? [])];
    return holders.every((holder) => holder === foreignId) ? email : null;
  };
}
