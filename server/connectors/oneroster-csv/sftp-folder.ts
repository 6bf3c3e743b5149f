import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Client, ServerHostKeyAlgorithm, SFTPWrapper } from 'ssh2';
import type { Session } from '#server/connectors/contract.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import type { Login, SftpSettings } from './settings.ts';

/** A file as the server lists it. The time is whole seconds, which is all that SFTP 3 knows. */
export interface FolderFile {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
}

export interface SftpFolder extends AsyncDisposable {
  /** Files at the folder's top, whatever they are. Nothing of people is read. */
  list(): Promise<readonly FolderFile[]>;
  /** One of them, as it comes. */
  read(name: string): Readable;
}

/** More than that is no folder for packages. */
const mostFiles = 10_000;
const readyTimeoutMs = 15_000;
/** A server that says nothing for so long is gone. */
const idleTimeoutMs = 60_000;

/** `SHA256:` of a host key, as `ssh-keygen -lf` shows it. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/**
 * Opens a folder on a server of SFTP: a checked connection, the host key that was entered and no other, then the login. The login is not
 * sent before the key has been compared.
 * @throws CrosswalkError `host-key-changed`, `credential-refused`, `folder-missing`, and what connecting may throw
 */
export async function openSftpFolder(
  session: Pick<Session<unknown, unknown>, 'http' | 'clock' | 'purpose' | 'record' | 'signal'>,
  settings: SftpSettings,
  login: Login,
): Promise<SftpFolder> {
  const started = performance.now();
  const note = (path: string, rows: number | null, errorCode: CrosswalkError['code'] | null) =>
    session.record({
      at: session.clock.now(),
      purpose: session.purpose,
      method: 'SFTP',
      path,
      status: null,
      rows,
      milliseconds: Math.round(performance.now() - started),
      errorCode,
    });
  try {
    const { client, sftp } = await connectByItsKey(session, settings, login);
    return {
      list: async () => {
        try {
          const files = await listFolder(client, sftp, settings);
          note('list', files.length, null);
          return files;
        } catch (error) {
          note('list', null, isCrosswalkError(error) ? error.code : 'connection-failed');
          throw error;
        }
      },
      read: (name) => {
        note('read', null, null);
        const stream = sftp.createReadStream(`${settings.folder}/${name}`);
        // Whoever reads is told by the stream. One that was read to its end still has its file closed over there; where the connection ends before
        // the server has answered that, nobody listens any more, and the process would end by it.
        stream.on('error', () => undefined);
        return stream;
      },
      [Symbol.asyncDispose]: async () => void client.end(),
    };
  } catch (error) {
    note('connect', null, isCrosswalkError(error) ? error.code : 'connection-failed');
    throw error;
  }
}

/** A server has several host keys, and shows the one that is asked for: by default its newest kind, else the kind that was entered. */
const kindsOfKey: readonly (readonly ServerHostKeyAlgorithm[] | null)[] = [
  null,
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
];

interface Connected {
  readonly client: Client;
  readonly sftp: SFTPWrapper;
}

async function connectByItsKey(
  session: Pick<Session<unknown, unknown>, 'http' | 'signal'>,
  settings: SftpSettings,
  login: Login,
): Promise<Connected> {
  for (const kinds of kindsOfKey) {
    try {
      return await connect(session, settings, login, kinds);
    } catch (error) {
      const isOtherKey = isCrosswalkError(error, 'host-key-changed');
      // A server without a key of that kind ends the handshake.
      const isWithout = kinds !== null && isCrosswalkError(error, 'connection-failed');
      if (!isOtherKey && !isWithout) throw error;
    }
  }
  throw hostKeyChanged(settings.host);
}

async function connect(
  { http, signal }: Pick<Session<unknown, unknown>, 'http' | 'signal'>,
  { host, port, fingerprint }: SftpSettings,
  login: Login,
  kinds: readonly ServerHostKeyAlgorithm[] | null,
): Promise<Connected> {
  // Loaded where it is used: most processes never speak SSH.
  const { Client: SshClient } = await import('ssh2');
  signal?.throwIfAborted();
  const sock = await http.connectSsh({ host, port });
  sock.setTimeout(idleTimeoutMs, () => sock.destroy(new CrosswalkError('timed-out', { details: { host } })));
  const client = new SshClient();
  let changed = false;
  return new Promise<Connected>((resolve, reject) => {
    client.once('ready', () => {
      client.sftp((error, sftp) => {
        if (error === undefined) resolve({ client, sftp });
        else reject(new CrosswalkError('connection-failed', { details: { host, reason: 'no-sftp' } }));
      });
    });
    // For good: an error that comes later must not end the process; whoever reads hears of it by his stream.
    client.on('error', (error) => reject(changed ? hostKeyChanged(host) : explained(error, host)));
    client.once('close', () =>
      reject(new CrosswalkError('connection-failed', { details: { host, reason: 'closed' } })),
    );
    try {
      client.connect({
        sock,
        username: login.user,
        password: login.password,
        privateKey: login.privateKey,
        passphrase: login.passphrase,
        readyTimeout: readyTimeoutMs,
        ...(kinds === null ? {} : { algorithms: { serverHostKey: [...kinds] } }),
        hostVerifier: (key: Buffer) => {
          changed = fingerprintOf(key) !== fingerprint;
          return !changed;
        },
      });
    } catch {
      // What ssh2 throws here is about the private key: its form, or its passphrase. The message may quote it.
      sock.destroy();
      reject(new CrosswalkError('credential-refused', { details: { host, problem: 'private-key-unreadable' } }));
    }
  }).catch((error: unknown) => {
    client.destroy();
    throw error;
  });
}

const hostKeyChanged = (host: string) => new CrosswalkError('host-key-changed', { details: { host } });

function explained(error: Error & { level?: string }, host: string): CrosswalkError {
  if (isCrosswalkError(error)) return error;
  if (error.level === 'client-authentication') return new CrosswalkError('credential-refused', { details: { host } });
  if (error.level === 'client-timeout') return new CrosswalkError('timed-out', { details: { host } });
  return new CrosswalkError('connection-failed', { details: { host, reason: error.level ?? 'socket' } });
}

/** SSH_FX_NO_SUCH_FILE and SSH_FX_PERMISSION_DENIED (draft-ietf-secsh-filexfer-02 §7). */
const folderCodes = new Set([2, 3]);

function listFolder(client: Client, sftp: SFTPWrapper, { host, folder }: SftpSettings): Promise<readonly FolderFile[]> {
  return new Promise((resolve, reject) => {
    client.once('close', () =>
      reject(new CrosswalkError('connection-failed', { details: { host, reason: 'closed' } })),
    );
    sftp.readdir(folder, (error, entries) => {
      if (error !== undefined) {
        const code: unknown = Reflect.get(error, 'code');
        const isFolder = typeof code === 'number' && folderCodes.has(code);
        reject(new CrosswalkError(isFolder ? 'folder-missing' : 'connection-failed', { details: { host } }));
        return;
      }
      resolve(
        entries
          .slice(0, mostFiles)
          .filter(({ attrs }) => attrs.isFile())
          .map(({ filename, attrs }) => ({
            name: filename,
            bytes: attrs.size,
            modifiedAt: new Date(attrs.mtime * 1000),
          })),
      );
    });
  });
}
