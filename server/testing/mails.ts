import { z } from 'zod';
import type { TestDatabase } from '#db/testing/test-database.ts';
import type { Context } from '#server/kernel/context.ts';
import { openJson } from '#server/kernel/sealed.ts';

export interface OrderedMail {
  readonly to: string;
  readonly template: string;
  readonly schoolId: string | null;
  readonly parameters: Readonly<Record<string, string | number>>;
}

const rows = z.array(
  z.object({
    id: z.uuid(),
    school_id: z.uuid().nullable(),
    to_address: z.string(),
    template: z.string(),
    sealed: z.unknown(),
  }),
);
const parameters = z.record(z.string(), z.union([z.string(), z.number()]));

/** Every mail ordered so far, the oldest first, as its reader would get it: opened, with links. */
export async function orderedMails(database: TestDatabase, ctx: Pick<Context, 'keyring'>): Promise<OrderedMail[]> {
  const found = rows.parse(
    await database.admin`
      select id, school_id, to_address, template, sealed_parameters as sealed from mail order by created_at, id`,
  );
  return found.map((row) => ({
    to: row.to_address,
    template: row.template,
    schoolId: row.school_id,
    parameters: openJson(
      ctx.keyring,
      row.sealed,
      { table: 'mail', column: 'sealed_parameters', schoolId: row.school_id, rowId: row.id, origin: null },
      parameters,
    ),
  }));
}

/** The token in the link of the last mail to an address. */
export async function tokenInLastMail(
  database: TestDatabase,
  ctx: Pick<Context, 'keyring'>,
  to: string,
): Promise<string> {
  const mail = (await orderedMails(database, ctx)).findLast((one) => one.to === to && 'url' in one.parameters);
  const token = String(mail?.parameters.url ?? '')
    .split('/')
    .at(-1);
  if (token === undefined || token === '') throw new Error(`no link was mailed to ${to}`);
  return token;
}
