import { eq } from 'drizzle-orm';
import type { Database } from '#db/client.ts';
import { installation } from '#db/schema/index.ts';
import { ensureFirstOperator } from '#server/features/people/first-operator.ts';
import { Cast, demoPassword, type Stage } from './persons.ts';

export interface DemoAccount {
  readonly person: string;
  readonly email: string;
  readonly password: string;
  /** What to do first as this person; empty where there is nothing particular. */
  readonly tryFirst: string;
}

const operator = { name: 'Olivia Bakker', email: 'olivia@schoolwijs.example' };

/**
 * The demo's story, told through the product's own verbs by its people: a school that is live, one with a request
 * waiting for a decision, one whose SIS has just refused its credentials, and a prospect.
 */
async function tellDemo(stage: Stage, say: (text: string) => void): Promise<void> {
  const cast = new Cast(stage);
  say('Making the demo …');
  const printed = await ensureFirstOperator(stage.context({ kind: 'system', reason: 'demo' }), {
    email: null,
    baseUrl: stage.baseUrl,
    name: 'Schoolwijs',
  });
  if (printed !== null) await cast.acceptPrintedLink(printed, operator.email, operator.name);
}

export const demoAccounts: readonly DemoAccount[] = [
  {
    person: `${operator.name}, operator of the marketplace`,
    email: operator.email,
    password: demoPassword,
    tryFirst: '',
  },
];

/** Whether the demo is `made`, was interrupted while `making`, or not begun (null). */
export async function demoProgress(database: Database): Promise<unknown> {
  return database.withoutSchool(async (tx) => {
    const row = await tx.query.installation.findFirst({ where: eq(installation.key, progressKey) });
    return row?.value ?? null;
  });
}

const progressKey = 'demo';

/** Makes the demo once. The worker must run: mails and syncs are part of the story. */
export async function seedDemo(
  stage: Stage & { readonly database: Database },
  say: (text: string) => void,
): Promise<readonly DemoAccount[]> {
  if ((await demoProgress(stage.database)) === 'made') return demoAccounts;
  const note = (value: 'making' | 'made') =>
    stage.database.withoutSchool((tx) =>
      tx
        .insert(installation)
        .values({ key: progressKey, value, updatedAt: new Date() })
        .onConflictDoUpdate({ target: installation.key, set: { value, updatedAt: new Date() } }),
    );
  await note('making');
  await tellDemo(stage, say);
  await note('made');
  return demoAccounts;
}
