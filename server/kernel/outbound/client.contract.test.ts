import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createLogger } from '../log.ts';
import {
  createOutboundClient,
  type OutboundCall,
  type OutboundClient,
  type OutboundClientOptions,
  parseAllowList,
} from './client.ts';
import type { Resolve } from './connect.ts';
import { loopbackCertificate } from './testing/loopback-certificate.ts';
import { type LoopbackServer, listen, type Received, startLoopbackServer } from './testing/loopback-server.ts';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

const kept = <T extends { close(): Promise<unknown> }>(one: T): T => {
  opened.push(one);
  return one;
};

const serve = async (
  answer: (request: Received, response: ServerResponse) => void,
  options: { tls?: boolean } = {},
): Promise<LoopbackServer> => kept(await startLoopbackServer(answer, options));
const ok =
  (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  (_request: Received, response: ServerResponse) => {
    response.writeHead(200, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  };
const redirectTo =
  (location: string, status = 302) =>
  (_request: Received, response: ServerResponse) => {
    response.writeHead(status, { location }).end();
  };

const demo = (options: Partial<OutboundClientOptions> = {}): OutboundClient =>
  kept(createOutboundClient({ mode: 'demo', ...options }));
/** Names under `.test` lead to 127.0.0.1, which is listed as an on-premise network. */
const toLoopback: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
const production = (options: Partial<OutboundClientOptions> = {}): OutboundClient =>
  kept(
    createOutboundClient({
      mode: 'production',
      allow: parseAllowList('127.0.0.0/8').entries,
      resolve: toLoopback,
      certificateAuthorities: [loopbackCertificate],
      ...options,
    }),
  );
const at = (server: LoopbackServer, path = '/') => `http://127.0.0.1:${server.port}${path}`;
const named = (server: LoopbackServer, path = '/', host = 'sis.school.test') => `https://${host}:${server.port}${path}`;
const refusal = (problem: string) => ({ code: 'address-refused', details: expect.objectContaining({ problem }) });

test('a body of known length is read while it is sent, and anew for every request', async () => {
  const server = await serve(ok('{}'));
  let streams = 0;
  const body = {
    bytes: 3 * 64_000,
    stream: async function* () {
      streams += 1;
      for (let n = 0; n < 3; n++) yield Buffer.alloc(64_000, 'x');
    },
  };
  const http = demo();
  for (let n = 0; n < 2; n++) (await http.request({ url: at(server), method: 'POST', body })).discard();
  expect(streams).toBe(2);
  expect(server.received.map(({ headers, body: sent }) => [headers['content-length'], sent.length])).toEqual([
    ['192000', 192_000],
    ['192000', 192_000],
  ]);
  const broken = {
    bytes: 10,
    stream: async function* () {
      yield Buffer.from('x');
      throw new Error('the disk is gone');
    },
  };
  await expect(http.request({ url: at(server), method: 'POST', body: broken })).rejects.toBeInstanceOf(Error);
  expect(server.received).toHaveLength(2);
});

describe('an answer', () => {
  test('comes with status, headers, address and body', async () => {
    const server = await serve((request, response) => {
      response
        .writeHead(201, { 'content-type': 'application/json', link: '<a>; rel="next"', 'set-cookie': 'a=b' })
        .end(request.body);
    });
    const answer = await demo().request({
      url: at(server, '/token?x=1'),
      method: 'POST',
      headers: { Authorization: 'Basic abc', 'content-type': 'application/json' },
      body: '{"a":[1]}',
    });
    expect(answer).toMatchObject({ status: 201, url: at(server, '/token?x=1') });
    expect(answer.headers).toMatchObject({ link: '<a>; rel="next"' });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(await answer.json(z.object({ a: z.array(z.number()) }))).toEqual({ a: [1] });
    expect(server.received[0]?.headers).toMatchObject({ authorization: 'Basic abc', 'user-agent': 'Crosswalk' });
  });

  test('is no error for its status, and an empty one is empty', async () => {
    const server = await serve((request, response) => {
      response.writeHead(Number(request.url.slice(1)), { 'content-encoding': 'gzip' }).end();
    });
    const client = demo();
    for (const status of [204, 304])
      expect(await (await client.request({ url: at(server, `/${status}`) })).text()).toBe('');
    expect((await client.request({ url: at(server, '/503') })).status).toBe(503);
    expect(await (await client.request({ url: at(server, '/200'), method: 'HEAD' })).text()).toBe('');
  });

  test.each([
    ['gzip', gzipSync('größer')],
    ['deflate', deflateSync('größer')],
    ['br', brotliCompressSync('größer')],
    ['identity', Buffer.from('\ufeffgrößer')],
  ])('is decoded: %s', async (encoding, body) => {
    const server = await serve(ok(body, { 'content-encoding': encoding }));
    expect(await (await demo().request({ url: at(server) })).text()).toBe('größer');
  });

  test('can be streamed, discarded, and its connection used again', async () => {
    const server = await serve(ok('x'.repeat(100_000)));
    const client = demo();
    let length = 0;
    for await (const chunk of (await client.request({ url: at(server) })).stream()) length += chunk.length;
    expect(length).toBe(100_000);
    expect(await (await client.request({ url: at(server) })).bytes()).toHaveLength(100_000);
    for (let again = 0; again < 10; again += 1) await (await client.request({ url: at(server) })).text();
    // undici lets a connection rest for one turn of the event loop, so that two take turns.
    expect(server.connections()).toBeLessThanOrEqual(2);
    (await client.request({ url: at(server) })).discard();
    expect(await (await client.request({ url: at(server) })).text()).toHaveLength(100_000);
  });

  test('of another shape is unreadable, and nothing of it is in the error', async () => {
    const server = await serve((request, response) => {
      const html = request.url === '/html';
      response.writeHead(200, { 'content-type': html ? 'text/html; charset=utf-8' : 'application/json' });
      response.end(html ? '<html>Daan de Vries</html>' : '{"people":{"daan@example.nl":{"name":12}}}');
    });
    const client = demo();
    const schema = z.object({ people: z.record(z.string(), z.object({ name: z.string() })), total: z.number() });
    const failed = async (path: string) =>
      (await client.request({ url: at(server, path) })).json(schema).catch((error: unknown) => error);
    const html = await failed('/html');
    expect(html).toMatchObject({
      code: 'foreign-answer-unreadable',
      details: { problem: 'not-json', mediaType: 'text/html', status: 200 },
    });
    const shape = await failed('/json');
    expect(shape).toMatchObject({
      code: 'foreign-answer-unreadable',
      details: { problem: 'another-shape', fields: ['people.*.name', 'total'] },
    });
    expect(inspect([html, shape], { depth: 9 })).not.toMatch(/daan/i);
  });
});

describe('an address that leads inside', () => {
  test('is refused before anything is sent: user-info, localhost., IPv4 in disguise', async () => {
    const server = await serve(ok('secret'));
    const client = kept(createOutboundClient({ mode: 'production' }));
    for (const host of [
      'localhost',
      'localhost.',
      '2130706433',
      '0x7f000001',
      '017700000001',
      '127.1',
      '[::ffff:127.0.0.1]',
      '[::1]',
    ]) {
      await expect(client.request({ url: `https://${host}:${server.port}/` })).rejects.toMatchObject(
        refusal('not-public'),
      );
      await expect(client.request({ url: `http://${host}:${server.port}/` })).rejects.toMatchObject({
        code: 'address-refused',
      });
    }
    await expect(client.request({ url: `https://user@sis.example.org:${server.port}/` })).rejects.toMatchObject(
      refusal('user-info'),
    );
    expect(server.connections()).toBe(0);
  });

  test.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', 'fe80::1'])(
    'is refused when a public name resolves to it: %s',
    async (address) => {
      const server = await serve(ok('secret'), { tls: true });
      for (const mode of ['demo', 'production'] as const) {
        const client = kept(
          createOutboundClient({
            mode,
            resolve: async () => [{ address, family: address.includes(':') ? 6 : 4 }],
            certificateAuthorities: [loopbackCertificate],
          }),
        );
        await expect(client.request({ url: named(server) })).rejects.toMatchObject(refusal('not-public'));
      }
      expect(server.connections()).toBe(0);
    },
  );

  test('is refused when it is one of several', async () => {
    const server = await serve(ok('secret'), { tls: true });
    const resolve: Resolve = async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    const client = kept(
      createOutboundClient({ mode: 'production', resolve, certificateAuthorities: [loopbackCertificate] }),
    );
    await expect(client.request({ url: named(server) })).rejects.toMatchObject(refusal('not-public'));
    expect(server.connections()).toBe(0);
  });

  test('is not reached by rebinding: what was checked is what is connected to', async () => {
    const inside = await serve(ok('inside'), { tls: true });
    let asked = 0;
    // First an address that is allowed (and listens nowhere), then the one that a rebinding name would give.
    const resolve: Resolve = async () => {
      asked += 1;
      return [{ address: asked === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }];
    };
    const client = kept(
      createOutboundClient({
        mode: 'production',
        allow: parseAllowList('127.0.0.2').entries,
        resolve,
        certificateAuthorities: [loopbackCertificate],
      }),
    );
    const url = named(inside, '/', 'rebinding.school.test');
    await expect(client.request({ url })).rejects.toMatchObject({ code: 'connection-failed' });
    expect(asked).toBe(1);
    await expect(client.request({ url })).rejects.toMatchObject(refusal('not-public'));
    expect(asked).toBe(2);
    expect(inside.connections()).toBe(0);
  });

  test('can be checked in a form, without asking the network', () => {
    const client = kept(createOutboundClient({ mode: 'production' }));
    expect(client.check('https://sis.example.org./ims').href).toBe('https://sis.example.org/ims');
    expect(() => client.check('https://10.0.0.1/')).toThrow(expect.objectContaining(refusal('not-public')));
  });
});

describe('a redirect', () => {
  test('is refused unless asked for', async () => {
    const server = await serve(redirectTo('/elsewhere'));
    await expect(demo().request({ url: at(server) })).rejects.toMatchObject(refusal('redirected'));
    expect(server.received).toHaveLength(1);
  });

  test('is followed on the same origin with its headers', async () => {
    const server = await serve((request, response) =>
      (request.url === '/' ? redirectTo('/next?page=2') : ok('here'))(request, response),
    );
    const answer = await demo().request({
      url: at(server),
      headers: { authorization: 'Bearer t' },
      redirect: 'follow-checked',
    });
    expect(await answer.text()).toBe('here');
    expect(answer.url).toBe(at(server, '/next?page=2'));
    expect(server.received.map((request) => request.headers.authorization)).toEqual(['Bearer t', 'Bearer t']);
  });

  test('to another origin leaves every header behind that could be a credential', async () => {
    const other = await serve(ok('here'));
    const server = await serve(redirectTo(at(other, '/x')));
    const headers = { authorization: 'Bearer t', cookie: 'a=b', 'x-api-key': 'k', accept: 'application/json' };
    await demo().request({ url: at(server), headers, redirect: 'follow-checked' });
    const [received] = other.received;
    expect(received?.headers).toMatchObject({ accept: 'application/json', 'user-agent': 'Crosswalk' });
    for (const name of ['authorization', 'cookie', 'x-api-key']) expect(received?.headers).not.toHaveProperty(name);
  });

  test('does not carry a body to another origin', async () => {
    const other = await serve(ok('here'));
    const client = demo();
    for (const status of [307, 308]) {
      const server = await serve(redirectTo(at(other), status));
      const sent = client.request({
        url: at(server),
        method: 'POST',
        body: 'wstoken=secret',
        redirect: 'follow-checked',
      });
      await expect(sent).rejects.toMatchObject(refusal('redirected-elsewhere'));
    }
    expect(other.received).toEqual([]);
  });

  test('turns POST into GET as browsers do, without the body', async () => {
    const server = await serve((request, response) =>
      (request.url === '/' ? redirectTo('/done', 303) : ok(request.method + request.body))(request, response),
    );
    const answer = await demo().request({
      url: at(server),
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'token',
      redirect: 'follow-checked',
    });
    expect(await answer.text()).toBe('GET');
    expect(server.received[1]?.headers).not.toHaveProperty('content-type');
  });

  test.each([
    ['inside', 'https://10.0.0.1/', 'not-public'],
    ['to metadata', 'http://169.254.169.254/latest/meta-data/', 'not-https'],
    ['to another scheme', 'file:///etc/passwd', 'not-an-address'],
    ['to user-info', 'https://user:word@sis.example.org/', 'user-info'],
    ['to nowhere', 'https://[', 'not-an-address'],
  ])('is checked as the first address was: %s', async (_name, location, problem) => {
    const server = await serve(redirectTo(location));
    await expect(demo().request({ url: at(server), redirect: 'follow-checked' })).rejects.toMatchObject(
      refusal(problem),
    );
  });

  test('does not give up TLS', async () => {
    const plain = await serve(ok('here'));
    const server = await serve(redirectTo(at(plain)), { tls: true });
    await expect(production().request({ url: named(server), redirect: 'follow-checked' })).rejects.toMatchObject(
      refusal('redirected-to-plain-http'),
    );
    expect(plain.received).toEqual([]);
  });

  test('ends after five', async () => {
    const server = await serve(redirectTo('/again'));
    await expect(demo().request({ url: at(server), redirect: 'follow-checked' })).rejects.toMatchObject(
      refusal('redirected-too-often'),
    );
    expect(server.received).toHaveLength(6);
  });

  test('leaves no expected origin, and another one is not asked', async () => {
    const other = await serve(ok('here'));
    const server = await serve(redirectTo(at(other)));
    const client = demo();
    const expectOrigin = `http://127.0.0.1:${server.port}`;
    await expect(client.request({ url: at(server), redirect: 'follow-checked', expectOrigin })).rejects.toMatchObject(
      refusal('other-origin'),
    );
    // A `next` link of a foreign answer, handed over as it came.
    await expect(client.request({ url: at(other, '/classes?offset=100'), expectOrigin })).rejects.toMatchObject(
      refusal('other-origin'),
    );
    expect(other.received).toEqual([]);
  });
});

describe('an answer without end', () => {
  test('that is too large by its own word is refused unread', async () => {
    const server = await serve(ok('x'.repeat(2000)));
    await expect(demo().request({ url: at(server), maxBytes: 1000 })).rejects.toMatchObject({
      code: 'answer-too-large',
      details: { maxBytes: 1000 },
    });
  });

  test('that goes on and on is cut off at its limit', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200);
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', write);
      write();
    });
    const answer = await demo().request({ url: at(server), maxBytes: 1_000_000 });
    await expect(answer.text()).rejects.toMatchObject({ code: 'answer-too-large' });
  });

  test('that swells when unpacked is cut off at its limit', async () => {
    const server = await serve(ok(gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }));
    const answer = await demo().request({ url: at(server), maxBytes: 1_000_000 });
    await expect(answer.bytes()).rejects.toMatchObject({ code: 'answer-too-large' });
  });

  test('that is packed twice, or in an unknown way, or not as it says, is unreadable', async () => {
    const server = await serve((request, response) => {
      const encoding =
        { '/twice': 'gzip, gzip', '/unknown': 'zip', '/lie': 'gzip', '/lie-br': 'br' }[request.url] ?? '';
      response.writeHead(200, { 'content-encoding': encoding }).end('not packed at all');
    });
    const client = demo();
    for (const path of ['/twice', '/unknown', '/lie', '/lie-br']) {
      const read = async () => (await client.request({ url: at(server, path) })).text();
      await expect(read()).rejects.toMatchObject({ code: 'foreign-answer-unreadable' });
    }
  });

  test('in its headers is cut off', async () => {
    const server = await serve(ok('', { 'x-long': 'x'.repeat(100_000) }));
    await expect(demo().request({ url: at(server) })).rejects.toMatchObject({ code: 'answer-too-large' });
  });

  test('that drips is ended by the deadline, that stops by the idle time', async () => {
    const server = await serve((request, response) => {
      response.writeHead(200).write('x');
      if (request.url !== '/drip') return;
      const timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(timer));
    });
    const read = async (client: OutboundClient, path: string, timeoutMs: number) =>
      (await client.request({ url: at(server, path), timeoutMs })).text();
    await expect(read(demo(), '/drip', 150)).rejects.toMatchObject({
      code: 'timed-out',
      details: { reason: 'deadline' },
    });
    await expect(read(demo({ idleTimeoutMs: 100 }), '/stop', 20_000)).rejects.toMatchObject({
      code: 'timed-out',
      details: { reason: 'UND_ERR_BODY_TIMEOUT' },
    });
  });

  test('that never begins is ended', async () => {
    const server = await serve(() => undefined);
    await expect(demo().request({ url: at(server), timeoutMs: 100 })).rejects.toMatchObject({ code: 'timed-out' });
    await expect(demo({ idleTimeoutMs: 100 }).request({ url: at(server) })).rejects.toMatchObject({
      code: 'timed-out',
      details: { reason: 'UND_ERR_HEADERS_TIMEOUT' },
    });
  });

  test('ends with the signal of the caller, in every phase', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/body') response.writeHead(200).write('x');
    });
    const reason = new Error('run was cancelled');
    const early = AbortSignal.abort(reason);
    await expect(demo().request({ url: at(server), signal: early })).rejects.toBe(reason);
    const during = new AbortController();
    const waiting = demo().request({ url: at(server, '/head'), signal: during.signal });
    during.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const reading = new AbortController();
    const answer = await demo().request({ url: at(server, '/body'), signal: reading.signal });
    const text = answer.text();
    reading.abort(reason);
    await expect(text).rejects.toBe(reason);
  });
});

describe('a connection that fails', () => {
  test('because nobody listens', async () => {
    const server = await startLoopbackServer(ok(''));
    await server.close();
    await expect(demo().request({ url: at(server) })).rejects.toMatchObject({
      code: 'connection-failed',
      disposition: 'retry',
      details: { reason: 'ECONNREFUSED' },
    });
  });

  test('because the name is unknown, or has no address', async () => {
    const unknown: Resolve = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }));
    const none: Resolve = async () => [];
    for (const resolve of [unknown, none]) {
      await expect(production({ resolve }).request({ url: 'https://nowhere.test/' })).rejects.toMatchObject({
        code: 'host-unknown',
        details: { host: 'nowhere.test' },
      });
    }
  });

  test('because the name is never resolved', async () => {
    const resolve: Resolve = () => new Promise(() => undefined);
    await expect(production({ resolve }).request({ url: 'https://slow.test/', timeoutMs: 100 })).rejects.toMatchObject({
      code: 'timed-out',
      details: { reason: 'deadline' },
    });
    const impatient = production({ resolve, connectTimeoutMs: 100 });
    await expect(impatient.request({ url: 'https://slow.test/' })).rejects.toMatchObject({
      code: 'timed-out',
      details: { reason: 'name-resolution' },
    });
  });

  test('because the other side resets it, before or within the answer, or ends it early', async () => {
    const answers = {
      '/reset': '',
      '/half': 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf',
      '/chunk': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf',
    };
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (data) => {
        const [, path = ''] = /^GET (\S+)/.exec(String(data)) ?? [];
        const answer = Object.entries(answers).find(([name]) => name === path)?.[1] ?? '';
        if (answer === '') socket.resetAndDestroy();
        else socket.end(answer);
      });
    });
    const port = await listen(server);
    opened.push({ close: () => new Promise((resolve) => server.close(resolve)) });
    const client = demo();
    for (const path of Object.keys(answers)) {
      const read = async () => (await client.request({ url: `http://127.0.0.1:${port}${path}` })).text();
      await expect(read()).rejects.toMatchObject({ code: 'connection-failed', disposition: 'retry' });
    }
  });

  test('because the answer is no HTTP', async () => {
    const server = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('SSH-2.0-OpenSSH_9.9\r\n'),
    );
    const port = await listen(server);
    opened.push({ close: () => new Promise((resolve) => server.close(resolve)) });
    await expect(demo().request({ url: `http://127.0.0.1:${port}/` })).rejects.toMatchObject({
      code: 'foreign-answer-unreadable',
    });
  });

  test('because the certificate is not trusted, whatever the environment says', async () => {
    const server = await serve(ok('secret'), { tls: true });
    const client = production({ certificateAuthorities: undefined });
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await expect(client.request({ url: named(server) })).rejects.toMatchObject({
        code: 'tls-failed',
        disposition: 'abort',
        details: { reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      });
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
    expect(server.received).toEqual([]);
  });

  test('because the certificate is for another name', async () => {
    const server = await serve(ok('secret'), { tls: true });
    await expect(production().request({ url: named(server, '/', 'lms.school.test') })).rejects.toMatchObject({
      code: 'tls-failed',
      details: { reason: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
    expect(await (await production().request({ url: named(server) })).text()).toBe('secret');
  });

  test('because there is no TLS on the other side', async () => {
    const server = await serve(ok('secret'));
    await expect(production().request({ url: named(server) })).rejects.toMatchObject({ code: 'tls-failed' });
  });
});

describe('what is written down', () => {
  test('has host, method, status and time, never query, header or body', async () => {
    const server = await serve((request, response) =>
      request.url.startsWith('/gone') ? response.destroy() : ok('answer-secret')(request, response),
    );
    const lines: string[] = [];
    const calls: OutboundCall[] = [];
    const log = createLogger({ component: 'test', level: 'trace', destination: { write: (line) => lines.push(line) } });
    const client = demo({ log, onCall: (call) => calls.push(call) });
    const ask = (path: string) =>
      client.request({
        url: at(server, path),
        method: 'POST',
        headers: { authorization: 'Bearer header-secret' },
        body: 'body-secret',
      });
    await (await ask('/users?token=query-secret')).text();
    const failure: unknown = await ask('/gone?token=query-secret').catch((error: unknown) => error);
    expect(calls).toMatchObject([
      { method: 'POST', origin: `http://127.0.0.1:${server.port}`, path: '/users', status: 200, errorCode: null },
      { method: 'POST', path: '/gone', status: null, errorCode: 'connection-failed' },
    ]);
    expect(lines).toHaveLength(2);
    expect(`${lines.join('')}${JSON.stringify(calls)}${inspect(failure, { depth: 9 })}`).not.toContain('secret');
  });

  test('refuses headers that are not the caller’s, and broken ones', async () => {
    const server = await serve(ok(''));
    const client = demo();
    await expect(client.request({ url: at(server), headers: { Host: 'evil.example' } })).rejects.toMatchObject({
      code: 'internal',
    });
    const broken = client.request({ url: at(server), headers: { authorization: 'Bearer a\r\nx-evil: 1' } });
    await expect(broken).rejects.toMatchObject({ code: 'invalid-input' });
    expect(server.received).toEqual([]);
  });
});
