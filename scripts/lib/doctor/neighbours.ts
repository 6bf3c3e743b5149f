import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import { z } from 'zod';
import type { Environment } from '#server/kernel/env.ts';
import { type Finding, ok, skipped, warning, wrong } from './finding.ts';

const patienceMs = 10_000;

/** Connects to the mail server and greets it; sends no mail and signs in to nothing. */
export async function lookAtMail(smtpUrl: string | null): Promise<Finding[]> {
  if (smtpUrl === null) return [skipped('mail', 'No SMTP_URL: mails are kept and shown at /dev/mail.')];
  const url = new URL(smtpUrl);
  const secure = url.protocol === 'smtps:';
  const port = url.port === '' ? (secure ? 465 : 587) : Number(url.port);
  const connection = new SMTPConnection({
    host: url.hostname,
    port,
    secure,
    connectionTimeout: patienceMs,
    greetingTimeout: patienceMs,
    socketTimeout: patienceMs,
  });
  const where = `The mail server ${url.hostname}:${port}`;
  return new Promise((done) => {
    connection.once('error', (error) => {
      connection.close();
      const code = 'code' in error ? String(error.code) : 'unknown';
      done([
        wrong(
          'mail',
          code === 'ETLS' || code === 'ESOCKET'
            ? `${where} cannot be talked to (${code}): check host and port; smtps: is for TLS from the first byte (465), smtp: for STARTTLS (587).`
            : `${where} does not answer (${code}): check SMTP_URL and whether this machine may send to that port.`,
        ),
      ]);
    });
    connection.connect(() => {
      connection.quit();
      done([
        url.username !== '' && !connection.secure && url.hostname !== 'localhost' && url.hostname !== '127.0.0.1'
          ? warning('mail', `${where} answers, but offers no TLS, and the password would cross the network readable.`)
          : ok('mail', `${where} answers.`),
      ]);
    });
  });
}

const discoverySchema = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
});

/** Each sign-in provider says of itself what we believe of it (OpenID Connect Discovery 1.0 §4). */
export async function lookAtSignIn(oidc: Environment['oidc']): Promise<Finding[]> {
  if (oidc.length === 0) return [skipped('sign-in', 'No sign-in provider is set up: people sign in with a password.')];
  return Promise.all(
    oidc.map(async ({ id, issuer }) => {
      const variable = `OIDC_${id.toUpperCase().replaceAll('-', '_')}_ISSUER`;
      const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
      try {
        const response = await fetch(address, { signal: AbortSignal.timeout(patienceMs) });
        const parsed = discoverySchema.safeParse(response.ok ? await response.json() : null);
        if (!parsed.success)
          return wrong(
            'sign-in',
            `${variable}: ${address} gives no OpenID configuration (${response.status}): is the issuer's address whole?`,
          );
        if (parsed.data.issuer !== issuer)
          return wrong(
            'sign-in',
            `${variable} and the provider's own name for itself differ: set it to ${parsed.data.issuer} exactly.`,
          );
        return ok('sign-in', `${id} answers as ${issuer}.`);
      } catch {
        return wrong(
          'sign-in',
          `${variable}: ${new URL(issuer).host} cannot be reached: check the address and whether this machine may call it.`,
        );
      }
    }),
  );
}

/** Whether the Inngest server answers; none is needed where the embedded executor runs. */
export async function lookAtInngest({ baseUrl }: Environment['inngest']): Promise<Finding[]> {
  if (baseUrl === null) return [skipped('inngest', 'No INNGEST_BASE_URL: the embedded executor runs the jobs.')];
  const { host } = new URL(baseUrl);
  try {
    const response = await fetch(new URL('/health', baseUrl), { signal: AbortSignal.timeout(patienceMs) });
    await response.arrayBuffer();
    return [
      response.status < 500
        ? ok('inngest', `The Inngest server ${host} answers.`)
        : wrong('inngest', `The Inngest server ${host} answers with ${response.status}: its log says why.`),
    ];
  } catch {
    return [
      wrong('inngest', `The Inngest server ${host} cannot be reached: check INNGEST_BASE_URL and whether it runs.`),
    ];
  }
}
