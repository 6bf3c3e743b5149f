import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { peopleAccess } from '#server/features/roster-browser/who-sees-people.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { usernameBy } from '#server/roster/push/account-rules.ts';
import { readPushedView } from '#server/roster/push/begin-push.ts';
import { pushedConnection } from './load-push.ts';
import { accountRulesSchema } from './settings-rules.ts';

const countRows = z.array(
  z.object({
    people: z.coerce.number(),
    without_username: z.coerce.number(),
    without_email: z.coerce.number(),
    unmade: z.coerce.number(),
  }),
);
const sampleRows = z.array(
  z.object({ name: z.string(), username: z.string().nullable(), email: z.string().nullable() }),
);

/**
 * What the rules for accounts would make of whom the grant names: how many have no username or e-mail of their own, and five of them with what
 * they would get. Nothing is written.
 */
export const previewAccounts = defineVerb({
  name: 'push.preview-accounts',
  kind: 'query',
  access: [...peopleAccess],
  input: accountRulesSchema.extend({ schoolId: idSchema, connectionId: idSchema }),
  run: async ({ ctx, tx, input }) => {
    const { schoolId, connectionId, usernamePattern, emailHost } = input;
    await pushedConnection(tx, schoolId, connectionId);
    const view = await readPushedView(tx, { schoolId, connectionId, now: ctx.clock.now() });
    if (view === null) return { people: 0, withoutUsername: 0, withoutEmail: 0, setAside: 0, sample: [] };
    const made = usernameBy(usernamePattern, { given: sql`given`, family: sql`family`, number: sql`number` });
    const people = sql`
      with person as (
        select nullif(trim(${view.personCell('p', 'username')}), '') as username, nullif(trim(${view.personCell('p', 'email')}), '') as email,
               ${view.personCell('p', 'identifier')} as number, coalesce(p.preferred_given_name, p.given_name) as given,
               coalesce(p.preferred_family_name, p.family_name) as family
          from roster_person p where p.enabled and (${view.peopleOfKind('p', 'student')} or ${view.peopleOfKind('p', 'teacher')})),
      account as (select *, coalesce(lower(username), ${made}) as login from person)`;
    const [counts] = countRows.parse(
      await tx.execute(sql`
        ${people} select count(*) as people, count(*) filter (where username is null) as without_username, count(*) filter (where email is null) as without_email,
                         count(*) filter (where login is null or (email is null and ${emailHost}::text is null)) as unmade from account`),
    );
    const sample = sampleRows.parse(
      await tx.execute(sql`
        ${people} select concat_ws(' ', given, family) as name, login as username,
                         coalesce(email, regexp_replace(login, '[^a-z0-9._-]+', '', 'g') || '@' || ${emailHost}::text) as email
          from account where username is null or email is null order by family, given limit 5`),
    );
    return {
      people: counts?.people ?? 0,
      withoutUsername: counts?.without_username ?? 0,
      withoutEmail: counts?.without_email ?? 0,
      setAside: counts?.unmade ?? 0,
      sample,
    };
  },
});
