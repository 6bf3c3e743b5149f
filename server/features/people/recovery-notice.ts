import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import type { MailParameters } from '#server/features/mail/templates.ts';
import type { Work } from '#server/kernel/verb.ts';
import { foldEmail } from './email-address.ts';
import { membersOf } from './members-of.ts';

type Notice = 'recovery-started' | 'recovery-stopped' | 'recovery-completed';

const contactRows = z.array(z.object({ name: z.string().nullable(), email: z.string() }));

/**
 * Tells every member and every contact of a school, each address once. In the school's scope.
 * @returns how many were told.
 */
export async function tellEverybodyOf<N extends Notice>(
  work: Work,
  schoolId: string,
  template: N,
  parameters: MailParameters<N>,
): Promise<number> {
  const members = await membersOf(work, schoolId);
  const contacts = contactRows.parse(
    await work.tx.execute(sql`select name, email from across.contacts_of_school(${schoolId})`),
  );
  const recipients = new Map<string, { email: string; name: string | null }>();
  for (const { email, name } of [...members, ...contacts]) {
    const folded = foldEmail(email);
    // A contact whose address an agent mistyped cannot be told; the members are.
    if (folded !== null && !recipients.has(folded)) recipients.set(folded, { email, name });
  }
  for (const to of recipients.values()) await enqueueMail(work, { template, to, schoolId, parameters });
  return recipients.size;
}
