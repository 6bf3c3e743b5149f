import { asc, eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { organisation } from '#db/schema/index.ts';

/** What the marketplace is called: the operator's name; empty before there is an operator. */
export async function marketplaceName(tx: Tx): Promise<string> {
  const [operator] = await tx
    .select({ name: organisation.name })
    .from(organisation)
    .where(eq(organisation.kind, 'operator'))
    .orderBy(asc(organisation.createdAt))
    .limit(1);
  return operator?.name ?? '';
}
