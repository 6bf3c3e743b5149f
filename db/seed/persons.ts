import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { acceptInvitation } from '#server/features/people/accept-invitation.ts';
import { actorOfLink } from '#server/features/people/actor-of-link.ts';
import { actorOfSession } from '#server/features/people/actor-of-session.ts';
import { signInWithPassword } from '#server/features/people/sign-in-with-password.ts';
import type { Actor, Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** One password for every person of the demo; printed by `npm start`. */
export const demoPassword = 'every school decides 7';

const mailRows = z.array(z.object({ html: z.string() }));

/** What a scenario needs of the running product: contexts, and a clock that waits. */
export interface Stage {
  readonly baseUrl: string;
  context(actor: Actor): Context;
}

/** The people of a scenario, who act through the product's own verbs as themselves. */
export class Cast {
  readonly #stage: Stage;
  readonly #sessions = new Map<string, string>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  anonymous(): Context {
    return this.#stage.context({ kind: 'anonymous' });
  }

  /** Somebody's context with his roles as they are now; signs him in at first. */
  async as(email: string): Promise<Context> {
    const anonymous = this.anonymous();
    let token = this.#sessions.get(email);
    if (token === undefined) {
      const device = { network: null, networkKey: `seed ${email}`, userAgent: 'Demo', known: null };
      ({ token } = await signInWithPassword({ ctx: anonymous, input: { email, password: demoPassword, device } }));
      this.#sessions.set(email, token);
    }
    return this.#stage.context(await actorOfSession(anonymous.database, token, anonymous.clock.now()));
  }

  /** Whoever has the newest link of this kind that was mailed to an address, and needs no account for it. */
  async asHolder(email: string, kind: 'pair'): Promise<Context> {
    const token = (await this.mailedLink(email, kind)).split('/').at(-1) ?? '';
    const { database, clock } = this.anonymous();
    return this.#stage.context(await actorOfLink(database, token, clock.now()));
  }

  /** Opens the invitation that the product mailed and makes the account; where there is one already, joins with it. */
  async acceptInvitation(email: string, name: string): Promise<void> {
    const token = (await this.mailedLink(email, 'invitation')).split('/').at(-1) ?? '';
    const exists = this.#sessions.has(email);
    await acceptInvitation({
      ctx: exists ? await this.as(email) : this.anonymous(),
      input: exists ? { token } : { token, account: { name, password: demoPassword } },
    });
    await this.as(email);
  }

  /** The first operator's printed link. */
  async acceptPrintedLink(url: string, email: string, name: string): Promise<void> {
    const token = url.split('/').at(-1) ?? '';
    await acceptInvitation({
      ctx: this.anonymous(),
      input: { token, account: { name, email, password: demoPassword } },
    });
  }

  /** The address in the newest mail to somebody, once the worker has delivered it; each link is handed out once. */
  async mailedLink(email: string, kind: 'invitation' | 'pair'): Promise<string> {
    const pattern = new RegExp(`href="([^"]*/${kind}/[^"]+)"`);
    return until(`a mail with a link for ${kind}`, async () => {
      const rows = mailRows.parse(
        await this.anonymous().database.withoutSchool((tx) =>
          tx.execute(sql`select html from across.kept_mails() where to_address = ${email}`),
        ),
      );
      const links = rows.flatMap(({ html }) => pattern.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? []);
      const fresh = links.find((link) => !this.#used.has(link));
      if (fresh !== undefined) this.#used.add(fresh);
      return fresh;
    });
  }
  readonly #used = new Set<string>();
}

/** Asks again until there is an answer; the demo waits for its own worker this way. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, seconds = 60): Promise<T> {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new CrosswalkError('jobs-down', { details: { problem: `waited for ${what}` } });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
