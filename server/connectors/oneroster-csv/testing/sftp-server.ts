import { once } from 'node:events';
import ssh2 from 'ssh2';
import { fingerprintOf } from '../sftp-folder.ts';

const { Server, utils } = ssh2;
const { flagsToString, OPEN_MODE, STATUS_CODE } = utils.sftp;

export interface ServedFile {
  readonly bytes: Buffer;
  readonly modifiedAt: Date;
}

export interface SftpServer {
  readonly port: number;
  readonly fingerprint: string;
  /** The one folder that it has, by name. */
  readonly files: Map<string, ServedFile>;
  /** What was asked of it beyond signing in: `list`, `read <name>`, and anything that would change something. */
  readonly asked: string[];
  /** Tries to sign in, right or wrong. */
  logins(): number;
  close(): Promise<void>;
}

/** Another host key, as after a server was set up anew. */
export const newHostKey = (): string => utils.generateKeyPairSync('ed25519').private;

/** A server of SFTP on loopback with one user and one folder (`/out`), for tests. */
export async function startSftpServer({
  hostKey = newHostKey(),
  moreHostKeys = [],
  user = 'crosswalk',
  password = 'let-me-in',
  publicKey = null,
  port = 0,
}: {
  hostKey?: string;
  /** Of other kinds; the fingerprint is that of `hostKey`. */
  moreHostKeys?: readonly string[];
  user?: string;
  password?: string;
  publicKey?: string | null;
  port?: number;
} = {}): Promise<SftpServer> {
  const files = new Map<string, ServedFile>();
  const asked: string[] = [];
  let logins = 0;
  const parsed = utils.parseKey(hostKey);
  if (parsed instanceof Error) throw parsed;
  const allowed = publicKey === null ? null : utils.parseKey(publicKey);
  if (allowed instanceof Error) throw allowed;
  const attributes = ({ bytes, modifiedAt }: ServedFile) => {
    const seconds = Math.floor(modifiedAt.getTime() / 1000);
    return { mode: 0o100444, uid: 0, gid: 0, size: bytes.length, atime: seconds, mtime: seconds };
  };
  const server = new Server({ hostKeys: [hostKey, ...moreHostKeys] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (tried) => {
      if (tried.method === 'none') {
        tried.reject(['password', 'publickey']);
        return;
      }
      logins += 1;
      const isUser = tried.username === user;
      if (isUser && tried.method === 'password' && tried.password === password) {
        tried.accept();
        return;
      }
      const isKey =
        isUser && tried.method === 'publickey' && allowed !== null && tried.key.data.equals(allowed.getPublicSSH());
      if (isKey) tried.accept();
      else tried.reject(['password', 'publickey']);
    });
    client.on('session', (accept) => {
      accept().on('sftp', (acceptSftp) => {
        const sftp = acceptSftp();
        const handles = new Map<number, { name: string | null; told: boolean }>();
        let next = 0;
        const open = (request: number, name: string | null) => {
          const handle = Buffer.alloc(4);
          handle.writeUInt32BE(next);
          handles.set(next, { name, told: false });
          next += 1;
          sftp.handle(request, handle);
        };
        sftp.on('REALPATH', (request, path) =>
          sftp.name(request, [
            { filename: path, longname: path, attrs: { mode: 0o40555, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 } },
          ]),
        );
        sftp.on('OPENDIR', (request, path) => {
          if (path !== '/out') sftp.status(request, STATUS_CODE.NO_SUCH_FILE);
          else {
            asked.push('list');
            open(request, null);
          }
        });
        sftp.on('READDIR', (request, handle) => {
          const state = handles.get(handle.readUInt32BE());
          if (state === undefined || state.told) {
            sftp.status(request, STATUS_CODE.EOF);
            return;
          }
          state.told = true;
          sftp.name(
            request,
            [...files].map(([filename, file]) => ({ filename, longname: filename, attrs: attributes(file) })),
          );
        });
        sftp.on('OPEN', (request, path, flags) => {
          const name = path.replace(/^\/out\//, '');
          if ((flags & ~OPEN_MODE.READ) !== 0) {
            asked.push(`write ${flagsToString(flags) ?? flags} ${name}`);
            sftp.status(request, STATUS_CODE.PERMISSION_DENIED);
          } else if (!files.has(name)) sftp.status(request, STATUS_CODE.NO_SUCH_FILE);
          else {
            asked.push(`read ${name}`);
            open(request, name);
          }
        });
        sftp.on('FSTAT', (request, handle) => {
          const file = files.get(handles.get(handle.readUInt32BE())?.name ?? '');
          if (file === undefined) sftp.status(request, STATUS_CODE.FAILURE);
          else sftp.attrs(request, attributes(file));
        });
        sftp.on('READ', (request, handle, offset, length) => {
          const file = files.get(handles.get(handle.readUInt32BE())?.name ?? '');
          if (file === undefined || offset >= file.bytes.length) sftp.status(request, STATUS_CODE.EOF);
          else sftp.data(request, file.bytes.subarray(offset, offset + length));
        });
        sftp.on('CLOSE', (request, handle) => {
          handles.delete(handle.readUInt32BE());
          sftp.status(request, STATUS_CODE.OK);
        });
        for (const change of ['REMOVE', 'RMDIR', 'MKDIR', 'RENAME', 'SETSTAT', 'WRITE'] as const) {
          sftp.on(change, (request: number) => {
            asked.push(change.toLowerCase());
            sftp.status(request, STATUS_CODE.PERMISSION_DENIED);
          });
        }
      });
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    port: address.port,
    fingerprint: fingerprintOf(parsed.getPublicSSH()),
    files,
    asked,
    logins: () => logins,
    close: async () => {
      server.close();
    },
  };
}
