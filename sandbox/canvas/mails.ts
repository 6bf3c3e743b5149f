/**
 * What a real Canvas would have sent by e-mail. Nothing leaves; a test or a person reads here whom a call would have bothered. Sources:
 * `lib/sis/user_importer.rb`, `lib/sis/enrollment_importer.rb` and the broadcast policies of instructure/canvas-lms.
 */

import { z } from 'zod';

export const mailSchema = z.object({
  at: z.string(),
  to: z.string(),
  /** Canvas's own names of the notifications. */
  notification: z.enum([
    'Enrollment Notification',
    'Enrollment Registration',
    'Merge Email Communication Channel',
    'Pseudonym Registration',
  ]),
  /** The SIS import that caused it; null for what a call of the API did. */
  importId: z.string().nullable(),
});
export type Mail = z.output<typeof mailSchema>;

export type Mails = {
  send(mail: Omit<Mail, 'at'>): void;
  list(): readonly Mail[];
  clear(): void;
};

/** An outbox that keeps the newest mails. */
export function createMails(now: () => number, kept: readonly Mail[] = [], bound = 5_000): Mails {
  let mails = [...kept];
  return {
    send: (mail) => {
      mails = [...mails.slice(-bound + 1), { at: new Date(now()).toISOString(), ...mail }];
    },
    list: () => mails,
    clear: () => {
      mails = [];
    },
  };
}
