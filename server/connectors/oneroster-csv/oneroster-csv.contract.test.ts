import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scope } from '#db/schema/vocabulary.ts';
import { connectorById } from '../registry.ts';
import { testSession } from '../testing/session.ts';
import { newHostKey, type SftpServer, startSftpServer } from './testing/sftp-server.ts';

const scopes: readonly Scope[] = ['roster.subjects', 'roster.groups'];
const connector = connectorById('oneroster-csv');
const login = { user: 'crosswalk', password: 'let-me-in' };

describe('a folder on a server of SFTP', () => {
  let server: SftpServer;
  const keys = ssh2.utils.generateKeyPairSync('ed25519', {
    passphrase: 'open sesame',
    cipher: 'aes256-ctr',
    rounds: 4,
  });
  beforeAll(async () => {
    server = await startSftpServer({ publicKey: keys.public });
    server.files.set('export.zip', { bytes: Buffer.from('zip'), modifiedAt: new Date('2026-03-01T04:00:00Z') });
  });
  afterAll(() => server.close());

  const settingsWith = (more: object = {}) => ({
    version: '1.2',
    way: 'sftp',
    host: '127.0.0.1',
    port: server.port,
    folder: '/out/',
    fingerprint: server.fingerprint,
    ...more,
  });
  const prove = async (settings: object = settingsWith(), secret: object = login) => {
    const { session, calls, close } = testSession({ settings, secret });
    try {
      return { ...(await connector.open(session).prove(scopes)), calls };
    } finally {
      await close();
    }
  };

  it('is proved by connecting, comparing the host key, signing in and listing; nothing is changed there', async () => {
    const { ok, calls } = await prove();
    expect(ok).toBe(true);
    expect(calls).toMatchObject([{ method: 'SFTP', path: 'list', rows: 1, errorCode: null }]);
    expect(server.asked).toEqual(['list']);
  });

  it('is opened with a private key too, and one that cannot be read is explained', async () => {
    const key = { user: 'crosswalk', privateKey: keys.private };
    expect((await prove(settingsWith(), { ...key, passphrase: 'open sesame' })).ok).toBe(true);
    const { ok, results, calls } = await prove(settingsWith(), { ...key, passphrase: 'wrong' });
    expect(ok).toBe(false);
    expect(results[0]).toMatchObject({
      errorCode: 'credential-refused',
      details: { problem: 'private-key-unreadable' },
    });
    expect(JSON.stringify([results, calls])).not.toContain('sesame');
  });

  it('gets no login where it shows another key than the one that was approved', async () => {
    const before = server.logins();
    const other = `SHA256:${'A'.repeat(43)}`;
    const { results } = await prove(settingsWith({ fingerprint: other }));
    expect(results[0]).toMatchObject({ ok: false, errorCode: 'host-key-changed', details: { host: '127.0.0.1' } });
    expect(server.logins()).toBe(before);
  });

  it('knows a server by whichever of its host keys was entered', async () => {
    const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
    const several = await startSftpServer({ hostKey: rsa.private, moreHostKeys: [newHostKey()] });
    const { port, fingerprint } = several;
    expect((await prove(settingsWith({ port, fingerprint }))).ok).toBe(true);
    const { results } = await prove(settingsWith({ port, fingerprint: `SHA256:${'A'.repeat(43)}` }));
    expect(results[0]).toMatchObject({ errorCode: 'host-key-changed' });
    expect(several.logins()).toBe(1);
    await several.close();
  });

  it('refuses a wrong password, and a folder that is not there', async () => {
    const wrong = await prove(settingsWith(), { user: 'crosswalk', password: 'wrong' });
    expect(wrong.results[0]).toMatchObject({ errorCode: 'credential-refused' });
    expect(JSON.stringify(wrong)).not.toContain('"wrong"');
    expect((await prove(settingsWith({ folder: '/elsewhere' }))).results[0]).toMatchObject({
      errorCode: 'folder-missing',
    });
  });

  it('says that nobody answers at that port', async () => {
    const gone = await startSftpServer();
    await gone.close();
    const { results } = await prove(settingsWith({ port: gone.port }));
    expect(results[0]).toMatchObject({ errorCode: 'connection-failed' });
  });

  it('gives a file as it lies there', async () => {
    const { session, close } = testSession({ settings: settingsWith(), secret: login });
    await using folder = await connector.open(session).openFolder();
    expect(await folder.list()).toEqual([
      { name: 'export.zip', bytes: 3, modifiedAt: new Date('2026-03-01T04:00:00Z') },
    ]);
    const parts: Uint8Array[] = [];
    for await (const part of folder.read('export.zip')) parts.push(part);
    expect(Buffer.concat(parts).toString()).toBe('zip');
    await expect(
      (async () => {
        for await (const part of folder.read('gone.zip')) parts.push(part);
      })(),
    ).rejects.toThrow();
    await close();
  });
});

describe('what is typed in', () => {
  it('is an address of host, port and host key: another key is another address', () => {
    const settings = {
      version: '1.2',
      way: 'sftp',
      host: ' SFTP.School.example. ',
      port: '',
      folder: '',
      fingerprint: 'A'.repeat(43),
    };
    expect(connector.parseSettings(settings)).toEqual({
      version: '1.2',
      way: 'sftp',
      host: 'sftp.school.example',
      port: 22,
      folder: '.',
      fingerprint: `SHA256:${'A'.repeat(43)}`,
    });
    expect(connector.origins(settings)).toEqual([`sftp://sftp.school.example:22#SHA256:${'A'.repeat(43)}`]);
    expect(connector.origins({ version: '1.1', way: 'upload' })).toEqual(['upload://crosswalk']);
  });

  it('names the fields that are missing or cannot be', () => {
    const sftp = { version: '1.2', way: 'sftp' };
    expect(() => connector.parseSettings(sftp)).toThrowError(
      expect.objectContaining({ details: { fields: ['host', 'fingerprint'] } }),
    );
    const fingerprint = `SHA256:${'A'.repeat(43)}`;
    for (const host of ['sftp://school.example', 'school.example:22', 'a b', 'me@school.example', 'school/../x']) {
      expect(() => connector.parseSettings({ ...sftp, host, fingerprint }), host).toThrowError(
        expect.objectContaining({ details: { fields: ['host'] } }),
      );
    }
    expect(() => connector.parseSettings({ ...sftp, host: 'a.example', fingerprint: 'MD5:12:34' })).toThrowError(
      expect.objectContaining({ details: { fields: ['fingerprint'] } }),
    );
    expect(() => connector.parseSecret({ user: 'a', password: 'b', privateKey: 'c' })).toThrow();
    expect(() => connector.parseSecret({ user: 'a' })).toThrow();
  });
});
