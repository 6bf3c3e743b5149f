import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '#db/client.ts';
import { idSchema } from '#server/kernel/ids.ts';

const keptMail = z.object({
  id: idSchema,
  toAddress: z.string(),
  subject: z.string(),
  html: z.string(),
  createdAt: z.coerce.date(),
});
export type KeptMail = z.infer<typeof keptMail>;

/** Mails kept in demo mode, newest first. In production no rendered text is ever stored, so there is none to return. */
export async function keptMails(database: Database): Promise<KeptMail[]> {
  const rows = await database.withoutSchool((tx) =>
    tx.execute(
      sql`select id, to_address as "toAddress", subject, html, created_at as "createdAt" from across.kept_mails()`,
    ),
  );
  return z.array(keptMail).parse([...rows]);
}
