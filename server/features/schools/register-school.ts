import { and, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import { schoolRegistration } from '#db/schema/index.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { hour } from '#server/features/people/create-single-use-link.ts';
import { emailSchema, foldEmail } from '#server/features/people/email-address.ts';
import { newToken } from '#server/features/people/session-token.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lineSchema, schoolIdentitySchema } from './school-details.ts';

export const registrationHours = 48;
/** Open registrations to one address, and of the whole installation in an hour: nobody's inbox is a target. */
const mostPerAddress = 3;
const mostPerHour = 200;

/**
 * A school arrives by itself. Nothing exists yet but a mail with a link to the address; the answer is the same whatever is
 * known of school or address. An agent's address gets the answer and no mail.
 */
export const registerSchool = defineVerb({
  name: 'schools.register',
  kind: 'command',
  access: [{ anyone: true }],
  input: schoolIdentitySchema.extend({
    personName: lineSchema(120).refine((name) => name.length > 0),
    email: emailSchema,
  }),
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx, audit } = work;
    const now = ctx.clock.now();
    const { personName, email, name, ...identity } = input;
    const emailFolded = foldEmail(email);
    if (emailFolded === null) throw new CrosswalkError('invalid-input', { details: { fields: ['email'] } });
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('crosswalk school registration', 13))`);
    await tx
      .delete(schoolRegistration)
      .where(
        or(lt(schoolRegistration.expiresAt, now), lt(schoolRegistration.usedAt, new Date(now.getTime() - 24 * hour))),
      );
    const open = (since: Date) =>
      tx.$count(schoolRegistration, and(gt(schoolRegistration.createdAt, since), isNull(schoolRegistration.usedAt)));
    if ((await open(new Date(now.getTime() - hour))) >= mostPerHour) throw new CrosswalkError('rate-limited');
    const toAddress = await tx.$count(schoolRegistration, eq(schoolRegistration.emailFolded, emailFolded));
    const [agents] = await tx.execute<{ is: boolean }>(sql`select across.is_agents_address(${emailFolded}) as is`);
    const registrationId = newId();
    if (toAddress < mostPerAddress && agents?.is === false) {
      const { token, hash } = newToken();
      await tx.insert(schoolRegistration).values({
        id: registrationId,
        tokenHash: hash,
        schoolName: name,
        ...identity,
        personName,
        email: email.trim(),
        emailFolded,
        createdAt: now,
        expiresAt: new Date(now.getTime() + registrationHours * hour),
      });
      await enqueueMail(work, {
        template: 'school-registration',
        to: { email: email.trim(), name: personName },
        schoolId: null,
        parameters: { school: name, url: `${ctx.baseUrl}/register/${token}`, hours: registrationHours },
      });
    }
    audit({ action: 'schools.registration-asked', subjectKind: 'registration', subjectId: registrationId });
    return { sent: true };
  },
});
