import { createTransport } from 'nodemailer';
import { CrosswalkError } from '#server/kernel/errors.ts';

export interface OutgoingMail {
  readonly id: string;
  readonly to: { readonly address: string; readonly name: string | null };
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

export interface Transport {
  /** True where mails are kept and shown at `/dev/mail` (demo mode only). */
  readonly keepsMail: boolean;
  /** Hands one mail over; throws `connection-failed` (retry) where the server does not take it now. */
  send(mail: OutgoingMail): Promise<void>;
}

/** Demo mode: nothing leaves the machine; the row itself is the mailbox. */
export const keptMail: Transport = { keepsMail: true, send: () => Promise.resolve() };

/** SMTP by URL (`smtps://user:password@host:465`), with time-outs of our own; from nodemailer. */
export function smtpTransport(options: { url: string; from: string }): Transport {
  const mailer = createTransport(
    { url: options.url, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 },
    { from: options.from },
  );
  return {
    keepsMail: false,
    send: async ({ id, to, subject, html, text }) => {
      try {
        await mailer.sendMail({
          to: to.name === null ? to.address : { name: to.name, address: to.address },
          subject,
          html,
          text,
          messageId: `<${id}@crosswalk>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
      } catch (error) {
        // The server's own answer may quote the address: only its number goes on.
        const status =
          error instanceof Error && 'responseCode' in error && typeof error.responseCode === 'number'
            ? error.responseCode
            : null;
        throw new CrosswalkError('connection-failed', {
          details: { service: 'smtp', status },
          disposition: status !== null && status >= 500 && status < 600 ? 'abort' : 'retry',
        });
      }
    },
  };
}
