import {
  createServer as createPlainServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import { loopbackCertificate, loopbackKey } from './loopback-certificate.ts';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface LoopbackServer {
  readonly port: number;
  /** What has reached it, in order. */
  readonly received: Received[];
  /** TCP connections so far. */
  connections(): number;
  close(): Promise<void>;
}

/** A server on 127.0.0.1 that answers as it is told and remembers what reached it. */
export async function startLoopbackServer(
  answer: (request: Received, response: ServerResponse) => void,
  options: { tls?: boolean } = {},
): Promise<LoopbackServer> {
  const received: Received[] = [];
  const listener: RequestListener = async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const request = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body };
    received.push(request);
    answer(request, response);
  };
  const server =
    options.tls === true
      ? createTlsServer({ cert: loopbackCertificate, key: loopbackKey }, listener)
      : createPlainServer(listener);
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const port = await listen(server);
  return {
    port,
    received,
    connections: () => connections,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Listens on a free port of 127.0.0.1. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
