import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import type { Work } from '#server/kernel/verb.ts';
import { account, approversOf, peopleWithRole, type Recipient, technicalContacts } from './recipients.ts';
import { type Situation, sameOrigins } from './situation.ts';
import { isEnded, type Next } from './state-machine.ts';

type Template =
  | 'request-arrived'
  | 'address-wanted'
  | 'address-changed'
  | 'credential-wanted'
  | 'connection-failing'
  | 'sync-held'
  | 'lms-access-wanted'
  | 'push-held'
  | 'push-not-done'
  | 'request-void'
  | 'request-approved'
  | 'request-declined'
  | 'request-unanswered'
  | 'connection-ended';

/** Page paths of the school portal that mails open. */
export const schoolPaths = {
  decision: (schoolId: string, requestId: string) => `/school/${schoolId}/requests/${requestId}`,
  system: (schoolId: string, systemId: string) => `/school/${schoolId}/systems/${systemId}`,
  connection: (schoolId: string, connectionId: string) => `/school/${schoolId}/connections/${connectionId}`,
  push: (schoolId: string, connectionId: string) => `/school/${schoolId}/connections/${connectionId}/push`,
  home: (schoolId: string) => `/school/${schoolId}`,
} as const;

/** Sends one template to several people. */
export async function mailTo(
  work: Work,
  { school, system }: Pick<Situation, 'school' | 'system'>,
  template: Template,
  to: readonly Recipient[],
  path: string,
): Promise<void> {
  for (const { email, name, locale } of to) {
    await enqueueMail(work, {
      template,
      to: { email, name },
      schoolId: school.id,
      locale,
      parameters: { school: school.name, system: system.name, url: `${work.ctx.baseUrl}${path}` },
    });
  }
}

/** The administrator of an LMS who asked on a pairing page has no account: he hears of the end, wherever it comes from. */
async function tellPairedLms(work: Work, { school, system, latestRequest }: Situation, next: Next): Promise<void> {
  if (latestRequest.askerEmail === null || !isEnded(next.state) || next.state === 'declined') return;
  await enqueueMail(work, {
    template: 'pairing-ended',
    to: { email: latestRequest.askerEmail, name: latestRequest.askerName ?? '' },
    schoolId: school.id,
    locale: 'en',
    parameters: { school: school.name, system: system.name },
  });
}

/** Tells whoever's turn it has become, once per change of cause. Called inside the transaction of the change. */
export async function tellWhoseTurn(work: Work, situation: Situation, next: Next): Promise<void> {
  const { school, system, connection, openRequest, latestRequest } = situation;
  if (connection.cause === next.cause) return;
  await tellPairedLms(work, situation, next);
  const { tx } = work;
  const pathOfSystem = schoolPaths.system(school.id, system.id);
  const pathOfConnection = schoolPaths.connection(school.id, connection.id);
  const approvers = () => approversOf(tx, school.id, system.id);
  const asker = async () => {
    const person = await account(tx, latestRequest.sentBy ?? latestRequest.draftedBy);
    return person === null ? [] : [person];
  };
  const askersPath = latestRequest.draftedAs === 'agent' ? `/agent/${latestRequest.agentId ?? ''}` : pathOfConnection;
  const send = (template: Template, to: readonly Recipient[], path: string) =>
    mailTo(work, situation, template, to, path);
  switch (next.cause) {
    case 'waits-for-decision':
      return send('request-arrived', await approvers(), schoolPaths.decision(school.id, latestRequest.id));
    case 'host-changed': {
      const { lms, approvedRequest } = situation;
      const hasLmsMoved =
        lms !== null && approvedRequest !== null && sameOrigins(approvedRequest.origins, system.origins);
      return mailTo(
        work,
        { school, system: hasLmsMoved ? lms : system },
        'address-changed',
        await approvers(),
        openRequest === null ? pathOfConnection : schoolPaths.decision(school.id, openRequest.id),
      );
    }
    case 'host-missing':
      return send('address-wanted', await technicalContacts(tx, school.id, system.id), pathOfSystem);
    case 'credential-needed':
      return send('credential-wanted', await technicalContacts(tx, school.id, system.id), pathOfSystem);
    case 'credential-refused':
    case 'credential-too-narrow':
    case 'system-refuses': {
      const to = await technicalContacts(tx, school.id, system.id);
      const administrators = await peopleWithRole(tx, school.id, ['school-administrator'], null);
      const everybody = new Map([...to, ...administrators].map((person) => [person.userId, person]));
      return send('connection-failing', [...everybody.values()], pathOfSystem);
    }
    case 'sync-held':
      return send('sync-held', await peopleWithRole(tx, school.id, ['school-administrator'], null), pathOfConnection);
    case 'push-held':
    case 'push-not-done':
      return send(
        next.cause,
        await peopleWithRole(tx, school.id, ['school-administrator'], null),
        schoolPaths.push(school.id, connection.id),
      );
    case 'lms-credential-needed':
    case 'lms-credential-refused':
    case 'lms-credential-too-narrow': {
      const { lms } = situation;
      if (lms === null) return;
      const to = await technicalContacts(tx, school.id, lms.id);
      return mailTo(work, { school, system: lms }, 'lms-access-wanted', to, schoolPaths.system(school.id, lms.id));
    }
    case 'host-changed-ask-again':
      return send('request-void', await asker(), askersPath);
    case 'declined-by-school':
      return send('request-declined', await asker(), askersPath);
    case 'unanswered':
      return send('request-unanswered', await asker(), askersPath);
    case 'ended-by-school':
    case 'term-ended':
    case 'ended-with-agreement':
    case 'system-removed':
      return send('connection-ended', await asker(), askersPath);
    default:
      return;
  }
}
