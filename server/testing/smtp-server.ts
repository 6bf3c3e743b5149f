import { createServer, type Socket } from 'node:net';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Header fields by lower-case name, unfolded (RFC 5322 §2.2.3). */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface FakeSmtp {
  readonly url: string;
  readonly port: number;
  readonly received: readonly ReceivedMail[];
  /** Every command line that came in, for what a client must not do. */
  readonly commands: readonly string[];
  /** What the next messages are answered with after their data; 250 once the list is used up. */
  answerNext(...replies: string[]): void;
  stop(): Promise<void>;
}

/** A mail server (RFC 5321) on loopback that keeps what it is given. */
export async function startFakeSmtp(options: { greeting?: string } = {}): Promise<FakeSmtp> {
  const received: ReceivedMail[] = [];
  const commands: string[] = [];
  const replies: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const say = (line: string) => socket.write(`${line}\r\n`);
    let envelope: { from: string; to: string[] } = { from: '', to: [] };
    let inData = false;
    let buffer = '';
    say(options.greeting ?? '220 fake ESMTP');
    socket.on('data', (chunk) => {
      buffer += chunk.toString('utf8');
      for (;;) {
        const end = buffer.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const text = buffer.slice(0, end);
        buffer = buffer.slice(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          const reply = replies.shift() ?? '250 taken';
          if (reply.startsWith('2')) received.push({ ...envelope, ...parseMessage(text) });
          envelope = { from: '', to: [] };
          say(reply);
          continue;
        }
        commands.push(text);
        const verb = text.slice(0, 4).toUpperCase();
        const address = /<([^>]*)>/.exec(text)?.[1] ?? '';
        if (verb === 'EHLO') socket.write('250-fake\r\n250 8BITMIME\r\n');
        else if (verb === 'MAIL') {
          envelope = { from: address, to: [] };
          say('250 ok');
        } else if (verb === 'RCPT') {
          envelope.to.push(address);
          say('250 ok');
        } else if (verb === 'DATA') {
          inData = true;
          say('354 go on');
        } else if (verb === 'QUIT') {
          say('221 bye');
          socket.end();
        } else say('250 ok');
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    received,
    commands,
    answerNext: (...more) => {
      replies.push(...more);
    },
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function parseMessage(text: string): Pick<ReceivedMail, 'headers' | 'body'> {
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end).replaceAll(/\r\n[ \t]+/g, ' ');
  const headers = new Map(
    head.split('\r\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { headers, body: text.slice(end + 4) };
}
