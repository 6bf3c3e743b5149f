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
  'request-arrived': ['school', 'system', 'url'],
  'address-wanted': ['school', 'system', 'url'],
  'address-changed': ['school', 'system', 'url'],
  'credential-wanted': ['school', 'system', 'url'],
  'connection-failing': ['school', 'system', 'url'],
  'sync-held': ['school', 'system', 'url'],
  'lms-access-wanted': ['school', 'system', 'url'],
  'push-held': ['school', 'system', 'url'],
  'push-not-done': ['school', 'system', 'url'],
  'request-void': ['school', 'system', 'url'],
  'request-approved': ['school', 'system', 'url'],
  'request-declined': ['school', 'system', 'url'],
  'request-unanswered': ['school', 'system', 'url'],
  'connection-ended': ['school', 'system', 'url'],
  'technical-contact-link': ['school', 'system', 'inviter', 'url', 'days'],
  'pairing-link': ['school', 'system', 'inviter', 'url', 'days'],
  'pairing-approved': ['school', 'system'],
  'pairing-declined': ['school', 'system', 'reason'],
  'pairing-ended': ['school', 'system'],
  'grant-ends-soon': ['school', 'system', 'days', 'until', 'url'],
  'everything-stopped': ['school', 'person', 'url'],
  'agreement-to-sign': ['organisation', 'agent', 'url'],
  'agreement-signed': ['school', 'signatory', 'url'],
  'agreement-to-countersign': ['school', 'signatory', 'url'],
  'agreement-in-force': ['organisation', 'endsOn', 'url'],
  'agreement-declined': ['school', 'reason', 'url'],
  'agreement-not-countersigned': ['organisation', 'reason', 'url'],
  'agreement-paper-to-confirm': ['organisation', 'url'],
  'agreement-paper-refused': ['school', 'url'],
  'agreement-notice': ['organisation', 'endsOn', 'graceEndsOn', 'reason', 'url'],
  'agreement-ends-soon': ['organisation', 'endsOn', 'days', 'url'],
  'agreement-ended': ['organisation', 'endsOn', 'graceEndsOn', 'url'],
  'agreement-ended-agent': ['organisation', 'endsOn', 'graceEndsOn', 'url'],
  'agreement-move-proposed': ['organisation', 'from', 'to', 'reason', 'url'],
  'school-registration': ['school', 'url', 'hours'],
  'school-to-review': ['school', 'url'],
  'school-trusted': ['organisation', 'url'],
  'school-refused': ['organisation', 'reason'],
  'audit-broken': ['chain', 'what', 'row', 'url'],
  'identity-linked': ['provider', 'url'],
} as const satisfies Record<string, readonly string[]>;

export type MailTemplate = keyof typeof mailTemplates;
export type MailParameters<T extends MailTemplate> = Readonly<
  Record<(typeof mailTemplates)[T][number], string | number>
>;
