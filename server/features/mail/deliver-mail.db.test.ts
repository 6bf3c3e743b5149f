import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mail } from '#db/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { newId } from '#server/kernel/ids.ts';
import { runWork } from '#server/kernel/verb.ts';
import { type FakeSmtp, startFakeSmtp } from '#server/testing/smtp-server.ts';
import { deliverMail } from './deliver-mail.ts';
import { enqueueMail } from './enqueue-mail.ts';
import { smtpTransport } from './transport.ts';

describe('a mail goes out by SMTP', () => {
  let database: TestDatabase;
  let ctx: Context;
  let smtp: FakeSmtp;
  const from = 'Crosswalk <crosswalk@example.org>';
  const address = 'https://crosswalk.example.org/invitation/token';

  const order = (name: string | null = 'Olga Ω. "O" <x@evil.example>') =>
    runWork(ctx, {}, (work) =>
      enqueueMail(work, {
        template: 'first-operator',
        to: { email: 'olga@example.org', name },
        schoolId: null,
        parameters: { url: address, days: 7 },
      }),
    );
  const deliver = (mailId: string) =>
    deliverMail(ctx, smtpTransport({ url: smtp.url, from }), { mailId, schoolId: null });
  const rowOf = (mailId: string) =>
    database.web.withoutSchool((tx) => tx.query.mail.findFirst({ where: eq(mail.id, mailId) }));

  beforeAll(async () => {
    database = await createTestDatabase();
    ctx = {
      actor: { kind: 'system', reason: 'test' },
      database: database.web,
      clock: fixedClock('2026-03-10T12:00:00Z'),
      keyring: await loadKeyring(database.web, { masterKeys: [{ id: '1', base64: database.masterKey }] }),
      baseUrl: 'https://crosswalk.example.org',
      requestId: newId(),
    };
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    smtp = await startFakeSmtp();
  });
  afterEach(() => smtp.stop());

  it('once, to one person, with the headers of an automatic message and an id that a receiver recognises', async () => {
    const id = await order();
    expect(await deliver(id)).toBe('sent');
    expect(await deliver(id)).toBe('already-sent');
    expect(smtp.received).toHaveLength(1);
    const [received] = smtp.received;
    expect(received?.from).toBe('crosswalk@example.org');
    expect(received?.to).toEqual(['olga@example.org']);
    const header = (name: string) => received?.headers.get(name);
    expect(header('from')).toBe(from);
    expect(header('message-id')).toBe(`<${id}@crosswalk>`);
    expect(header('auto-submitted')).toBe('auto-generated');
    expect(header('subject')).toBe('You are the first operator of this Crosswalk');
    expect(header('content-type')).toMatch(/^multipart\/alternative/);
    expect(header('bcc')).toBeUndefined();
    const text = (received?.body ?? '').replaceAll('=\r\n', '');
    expect(text).toContain(address);
  });

  it('and is forgotten then but for its subject', async () => {
    const id = await order();
    await deliver(id);
    expect(await rowOf(id)).toMatchObject({
      sentAt: new Date('2026-03-10T12:00:00Z'),
      sealedParameters: null,
      html: null,
      text: null,
    });
  });

  it('to the one address alone, whatever stands in the name', async () => {
    const id = await order('Olga\r\nBcc: thief@evil.example\r\n');
    await deliver(id);
    expect(smtp.received[0]?.to).toEqual(['olga@example.org']);
    expect(smtp.received[0]?.headers.get('bcc')).toBeUndefined();
  });

  it.each(['421 busy', '451 greylisted'])('later, where the server says %s', async (reply) => {
    const id = await order();
    smtp.answerNext(reply);
    await expect(deliver(id)).rejects.toMatchObject({ code: 'connection-failed', disposition: 'retry' });
    expect(await rowOf(id)).toMatchObject({ sentAt: null, failedAt: null });
    expect(await deliver(id)).toBe('sent');
    expect(smtp.received).toHaveLength(1);
  });

  it.each(['550 no such person olga@example.org', '554 refused'])('never, where the server says %s', async (reply) => {
    const id = await order();
    smtp.answerNext(reply);
    const failure = await deliver(id).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'connection-failed', disposition: 'abort' });
    expect(JSON.stringify(failure)).not.toContain('olga@example.org');
    expect(await rowOf(id)).toMatchObject({ sentAt: null, errorCode: 'connection-failed' });
    expect((await rowOf(id))?.failedAt).not.toBeNull();
  });

  it('later, where nobody answers', async () => {
    const id = await order();
    await smtp.stop();
    await expect(deliver(id)).rejects.toMatchObject({ disposition: 'retry' });
    smtp = await startFakeSmtp();
    expect(await deliver(id)).toBe('sent');
  });
});
