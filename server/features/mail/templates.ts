/**
 * Every mail that Crosswalk sends, with the parameters its texts use. Texts stand in messages/<locale>/mail.json under
 * the template's name: `subject`, `heading`, `body` (paragraphs) and, where there is something to open, `button`.
 */
export const mailTemplates = {
  invitation: ['organisation', 'inviter', 'roles', 'url', 'days'],
  'password-reset': ['url', 'minutes'],
  'password-changed': ['url'],
  'second-factor-removed': ['url'],
  'first-operator': ['url', 'days'],
  'recovery-started': ['organisation', 'reason', 'notBefore', 'url'],
  'recovery-stopped': ['organisation', 'by'],
  'recovery-completed': ['organisation'],
} as const satisfies Record<string, readonly string[]>;

export type MailTemplate = keyof typeof mailTemplates;
export type MailParameters<T extends MailTemplate> = Readonly<
  Record<(typeof mailTemplates)[T][number], string | number>
>;
