import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '#db/client.ts';
import { linkPurposes } from '#db/schema/vocabulary.ts';
import type { Actor } from '#server/kernel/context.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { hashToken } from './session-token.ts';

const rowsSchema = z.array(
  z.object({
    id: idSchema,
    purpose: z.enum(linkPurposes),
    school_id: idSchema.nullable(),
    system_id: idSchema.nullable(),
    name: z.string().nullable(),
    email: z.string().nullable(),
  }),
);

/**
 * The holder of a single-use link that opens a page without an account (a technical contact's set-up page, an LMS's pairing page). A link that
 * was used, withdrawn or ran out is nobody. Looking does not use it up: the verb that does the work marks it used.
 */
export async function actorOfLink(database: Database, token: string, now: Date): Promise<Actor> {
  const [row] = rowsSchema.parse(
    await database.withoutSchool((tx) =>
      tx.execute(sql`
        select id, purpose, school_id, system_id, name, email from across.single_use_link_by_hash(${hashToken(token)})
         where used_at is null and withdrawn_at is null and needs_sign_in = false and expires_at > ${now.toISOString()}::timestamptz
           and purpose in ('technical-contact', 'pairing')`),
    ),
  );
  if (row === undefined) return { kind: 'anonymous' };
  return {
    kind: 'link',
    linkId: row.id,
    purpose: row.purpose,
    schoolId: row.school_id,
    systemId: row.system_id,
    name: row.name ?? row.email ?? '',
  };
}
