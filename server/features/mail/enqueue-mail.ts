import { mail } from '#db/schema/index.ts';
import { newId } from '#server/kernel/ids.ts';
import { sealJson } from '#server/kernel/sealed.ts';
import type { Work } from '#server/kernel/verb.ts';
import type { MailParameters, MailTemplate } from './templates.ts';

export interface MailOrder<T extends MailTemplate> {
  readonly template: T;
  readonly to: { readonly email: string; readonly name: string | null };
  /** The school whose mail it is; null for mail of agents and operators. The transaction must be in its scope. */
  readonly schoolId: string | null;
  readonly locale?: string;
  readonly parameters: MailParameters<T>;
}

/**
 * Orders a mail in the verb's own transaction: it goes out if and only if what it tells of happened. Parameters are
 * sealed, since single-use links stand among them; the event carries the mail's id alone.
 */
export async function enqueueMail<T extends MailTemplate>(work: Work, order: MailOrder<T>): Promise<string> {
  const id = newId();
  const where = { table: 'mail', column: 'sealed_parameters', schoolId: order.schoolId, rowId: id, origin: null };
  await work.tx.insert(mail).values({
    id,
    schoolId: order.schoolId,
    toAddress: order.to.email,
    toName: order.to.name,
    template: order.template,
    locale: order.locale ?? 'en',
    sealedParameters: sealJson(work.ctx.keyring, order.parameters, where),
  });
  await work.emit('mail/requested', { mailId: id, schoolId: order.schoolId });
  return id;
}
