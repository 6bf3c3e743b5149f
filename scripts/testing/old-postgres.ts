import { createServer, type Socket } from 'node:net';

/** A server that speaks just enough of PostgreSQL's protocol (v3, simple query) to say that it is an old one. */
export async function startOldPostgres(version: string): Promise<{ port: number; stop(): Promise<void> }> {
  const message = (type: string, ...parts: (string | Buffer)[]) => {
    const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)));
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  const int16 = (value: number) => Buffer.from([value >> 8, value & 255]);
  const int32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const ready = message('Z', Buffer.from('I'));
  const [major = '0', minor = '0'] = version.split('.');
  const row = {
    version,
    number: String(Number(major) * 10_000 + Number(minor)),
    encoding: 'UTF8',
    name: 'crosswalk',
    who: 'postgres',
    now: String(Date.now() / 1_000),
  };
  const answer = Buffer.concat([
    message(
      'T',
      int16(Object.keys(row).length),
      ...Object.keys(row).flatMap((name) => [name, int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]),
    ),
    message(
      'D',
      int16(Object.keys(row).length),
      ...Object.values(row).flatMap((value) => [int32(value.length), Buffer.from(value)]),
    ),
    message('C', 'SELECT 1'),
    ready,
  ]);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let started = false;
    socket.on('data', (bytes) => {
      if (!started) {
        started = true;
        socket.write(Buffer.concat([message('R', int32(0)), message('S', 'server_version', version), ready]));
      } else if (bytes[0] === 'Q'.charCodeAt(0)) socket.write(answer);
      else socket.end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
