import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startFakeSmtp } from '#server/testing/smtp-server.ts';
import { freePort } from '../postgres.ts';
import { recordOf } from '../process-mark.ts';
import { lookAtFolders, lookAtPorts } from './machine.ts';
import { lookAtInngest, lookAtMail, lookAtSignIn } from './neighbours.ts';

const servers: Server[] = [];
/** Answers each path with its status and JSON; everything else with 404. */
async function serve(answers: (origin: string) => Record<string, { status: number; json: unknown }>): Promise<string> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const server = createHttpServer((request, response) => {
    const answer = answers(origin)[request.url ?? ''] ?? { status: 404, json: {} };
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return origin;
}
afterAll(() => {
  for (const server of servers) server.close();
});

describe('the doctor on the mail server', () => {
  it('greets it, signs in to nothing and sends nothing', async () => {
    const smtp = await startFakeSmtp();
    const [finding] = await lookAtMail(smtp.url.replace('//', '//user:word@'));
    expect(finding).toMatchObject({ check: 'mail', state: 'ok' });
    expect(smtp.commands.map((line) => line.slice(0, 4))).not.toContain('AUTH');
    expect(smtp.received).toHaveLength(0);
    await smtp.stop();
  });

  it('says where nothing answers', async () => {
    const [finding] = await lookAtMail(`smtp://127.0.0.1:${await freePort()}`);
    expect(finding).toMatchObject({ check: 'mail', state: 'wrong' });
    expect(finding?.sentence).toMatch(/^The mail server 127\.0\.0\.1:\d+ /);
  });

  it('says where it turns us away', async () => {
    const smtp = await startFakeSmtp({ greeting: '554 not you' });
    expect((await lookAtMail(smtp.url))[0]).toMatchObject({ state: 'wrong' });
    await smtp.stop();
  });

  it('has nothing to look at in the demo', async () => {
    expect((await lookAtMail(null))[0]).toMatchObject({ state: 'skipped' });
  });
});

describe('the doctor on sign-in providers', () => {
  const provider = (issuer: string) => ({ id: 'school-cloud', label: 'x', issuer, clientId: 'c', clientSecret: 's' });
  const discovery = (origin: string, issuer = origin) => ({
    '/.well-known/openid-configuration': {
      status: 200,
      json: {
        issuer,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/keys`,
      },
    },
  });

  it('is content where the provider says of itself what we believe', async () => {
    const origin = await serve((self) => discovery(self));
    expect((await lookAtSignIn([provider(origin)]))[0]).toMatchObject({ state: 'ok' });
  });

  it('names the variable and the right value where the issuer is another', async () => {
    const origin = await serve((self) => discovery(self, `${self}/tenant`));
    const [finding] = await lookAtSignIn([provider(origin)]);
    expect(finding?.sentence).toBe(
      `OIDC_SCHOOL_CLOUD_ISSUER and the provider's own name for itself differ: set it to ${origin}/tenant exactly.`,
    );
  });

  it('says where there is no configuration, and where nobody answers', async () => {
    const origin = await serve(() => ({}));
    expect((await lookAtSignIn([provider(origin)]))[0]?.sentence).toMatch(/gives no OpenID configuration \(404\)/);
    const [gone] = await lookAtSignIn([provider(`http://127.0.0.1:${await freePort()}`)]);
    expect(gone?.sentence).toMatch(/cannot be reached/);
  });
});

describe('the doctor on the Inngest server', () => {
  const inngest = (baseUrl: string | null) => ({
    baseUrl,
    signingKey: null,
    signingKeyFallback: null,
    serveOrigin: null,
    eventKey: null,
    serveInWeb: false,
  });

  it('tells a server that answers from one that is ill or gone', async () => {
    const well = await serve(() => ({ '/health': { status: 200, json: {} } }));
    const ill = await serve(() => ({ '/health': { status: 503, json: {} } }));
    const of = async (url: string | null) => (await lookAtInngest(inngest(url)))[0]?.state;
    expect(await of(well)).toBe('ok');
    expect(await of(ill)).toBe('wrong');
    expect(await of(`http://127.0.0.1:${await freePort()}`)).toBe('wrong');
    expect(await of(null)).toBe('skipped');
  });
});

describe('the doctor on ports and folders', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-doctor-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('tells a free port from a taken one, and leaves a running start its own', async () => {
    const taken = await freePort();
    const server = createServer();
    await new Promise<void>((done) => server.listen(taken, '127.0.0.1', done));
    const wanted = [{ port: taken, variable: 'PORT', host: '127.0.0.1' }];
    expect((await lookAtPorts(wanted, folder))[0]?.sentence).toMatch(/is taken by another program/);
    writeFileSync(join(folder, 'start.json'), JSON.stringify(recordOf(process.pid)));
    expect((await lookAtPorts(wanted, folder))[0]).toMatchObject({ state: 'skipped' });
    rmSync(join(folder, 'start.json'));
    server.close();
    expect(
      (await lookAtPorts([{ port: await freePort(), variable: 'PORT', host: '127.0.0.1' }], folder))[0],
    ).toMatchObject({
      state: 'ok',
    });
  });

  it('names a folder that cannot be written to', () => {
    expect(lookAtFolders([join(folder, 'not', 'yet')])[0]).toMatchObject({ state: 'ok' });
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o555);
    // root may write anywhere but below a device of the kernel.
    const [finding] = lookAtFolders([process.getuid?.() === 0 ? '/proc/version' : closed]);
    expect(finding).toMatchObject({ check: 'folders', state: 'wrong' });
  });
});
