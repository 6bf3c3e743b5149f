import { eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { organisation } from '#db/schema/organisations.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** An organisation's name; a school's in its scope. */
export async function organisationName(tx: Tx, organisationId: string): Promise<string> {
  const row = await tx.query.organisation.findFirst({ where: eq(organisation.id, organisationId) });
  if (row === undefined) throw new CrosswalkError('not-found');
  return row.name;
}
