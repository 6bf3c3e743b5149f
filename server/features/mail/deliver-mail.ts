import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { mail } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { openJson } from '#server/kernel/sealed.ts';
import { renderMail } from './render-mail.ts';
import { type MailTemplate, mailTemplates } from './templates.ts';
import type { Transport } from './transport.ts';

const parametersSchema = z.record(z.string(), z.union([z.string(), z.number()]));
const templateSchema = z.string().refine((name): name is MailTemplate => Object.hasOwn(mailTemplates, name));

/**
 * Sends one ordered mail. At least once: the row is marked after the server took it, and its Message-ID is the row's id,
 * so that a repeat after a crash is recognised by the receiver. In production the sealed parameters and the rendered
 * text are removed then; where mails are kept (demo) they stay for `/dev/mail`.
 */
export async function deliverMail(
  ctx: Context,
  transport: Transport,
  order: { mailId: string; schoolId: string | null },
): Promise<'sent' | 'already-sent'> {
  const scope = { schoolId: order.schoolId };
  const row = await ctx.database.inScope(scope, (tx) => tx.query.mail.findFirst({ where: eq(mail.id, order.mailId) }));
  if (row === undefined) throw new CrosswalkError('not-found', { details: { mailId: order.mailId } });
  if (row.sentAt !== null) return 'already-sent';
  const place = { table: 'mail', column: 'sealed_parameters', schoolId: row.schoolId, rowId: row.id, origin: null };
  const parameters = openJson(ctx.keyring, row.sealedParameters, place, parametersSchema);
  const rendered = await renderMail(templateSchema.parse(row.template), row.locale, parameters);
  try {
    await transport.send({ id: row.id, to: { address: row.toAddress, name: row.toName }, ...rendered });
  } catch (error) {
    const { code, disposition } = toCrosswalkError(error);
    // The server will never take it (RFC 5321 §4.2.1): the row says so, and nobody asks again.
    if (disposition === 'abort')
      await ctx.database.inScope(scope, (tx) =>
        tx.update(mail).set({ failedAt: ctx.clock.now(), errorCode: code }).where(eq(mail.id, row.id)),
      );
    throw error;
  }
  await ctx.database.inScope(scope, (tx) =>
    tx
      .update(mail)
      .set({
        sentAt: ctx.clock.now(),
        subject: rendered.subject,
        sealedParameters: null,
        ...(transport.keepsMail ? { html: rendered.html, text: rendered.text } : {}),
      })
      .where(eq(mail.id, row.id)),
  );
  return 'sent';
}
