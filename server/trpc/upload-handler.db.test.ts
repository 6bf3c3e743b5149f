import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { writeCsvPackage } from '#sandbox/generator/csv-package.ts';
import { schoolOf } from '#sandbox/generator/school.ts';
import { makeScene, type Scene } from '#server/features/connections/testing/school-with-sis.ts';
import { addAndApprove } from '#server/features/packages/testing/csv-school.ts';
import { newToken, sealSessionToken, sessionCookie } from '#server/features/people/session-token.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { silentLogger } from '#server/kernel/log.ts';
import { nobody, testNow } from '#server/testing/actors.ts';
import { answerUpload } from './upload-handler.ts';

const baseUrl = 'https://crosswalk.example.org';

describe('a package from a page', () => {
  let database: TestDatabase;
  let scene: Scene;
  let web: Parameters<typeof answerUpload>[0];
  let systemId: string;
  let whole: Uint8Array<ArrayBuffer>;
  const cookies: Record<string, string> = {};
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-upload-'));

  beforeAll(async () => {
    database = await createTestDatabase();
    const { keyring } = await nobody(database);
    const clock = fixedClock(testNow);
    const settings = sessionCookie({ baseUrl, masterKeys: [{ id: '1', base64: database.masterKey }] });
    web = { database: database.web, keyring, clock, baseUrl, cookie: settings, logger: silentLogger };
    scene = await makeScene(database, clock);
    systemId = (await addAndApprove(scene)).systemId;
    for (const [who, { userId }] of Object.entries(scene.school.people)) {
      const { token, hash } = newToken();
      await database.admin`
        insert into session (id, user_id, token_hash, state, created_at, last_seen_at, expires_at)
        values (${newId()}, ${userId}, ${hash}, 'full', ${testNow}, ${testNow}, ${new Date(Date.parse(testNow) + 3_600_000)})`;
      cookies[who] = `${settings.name}=${await sealSessionToken(settings, token)}`;
    }
    const path = join(folder, 'whole.zip');
    await writeCsvPackage(path, { school: schoolOf({ slug: 'lindenhof' }), version: '1.2' });
    whole = new Uint8Array(readFileSync(path));
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = async (who: string | null, headers: Record<string, string> = {}, body = whole) => {
    const request = new Request(`${baseUrl}/api/schools/x/systems/y/packages`, {
      method: 'POST',
      headers: {
        ...(who === null ? {} : { cookie: cookies[who] ?? '' }),
        origin: baseUrl,
        'content-type': 'application/zip',
        'x-file-name': encodeURIComponent('Überblick 2026.zip'),
        ...headers,
      },
      body,
    });
    const answer = await answerUpload(web, request, { schoolId: scene.schoolId, systemId });
    const json: unknown = await answer.json();
    return { status: answer.status, json };
  };
  const uploads = () => database.admin`select file_name, state from roster_upload where system_id = ${systemId}`;

  it('is taken from nobody but a page of ours, signed in, with the role', async () => {
    expect(await send('technical-contact', { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await send('technical-contact', { 'sec-fetch-site': 'cross-site' })).toMatchObject({ status: 403 });
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded']) {
      expect((await send('technical-contact', { 'content-type': type })).status, type).toBe(403);
    }
    expect(await send(null)).toMatchObject({ status: 401, json: { code: 'not-signed-in' } });
    expect(await send('approver')).toMatchObject({ status: 403, json: { code: 'forbidden' } });
    expect(await send('signatory')).toMatchObject({ status: 403, json: { code: 'forbidden' } });
    expect(await uploads()).toHaveLength(0);
  });

  it('is refused by what it says of its length, before anything is read', async () => {
    expect(await send('technical-contact', { 'content-length': String(3 * 1024 ** 3) })).toMatchObject({
      status: 413,
      json: { code: 'package-too-large' },
    });
  });

  it('answers with the sentence’s code and places where it cannot be read', async () => {
    expect(await send('technical-contact', {}, new Uint8Array([1, 2, 3]))).toMatchObject({
      status: 422,
      json: { code: 'package-not-zip' },
    });
    expect(await uploads()).toHaveLength(0);
  });

  it('is taken in under its name, and told of by its files alone', async () => {
    const { status, json } = await send('technical-contact');
    expect(status).toBe(200);
    expect(json).toMatchObject({ version: '1.2', syncRunId: expect.any(String), problems: [] });
    expect(JSON.stringify(json)).toContain('classes.csv');
    expect(await uploads()).toEqual([{ file_name: 'Überblick 2026.zip', state: 'waiting' }]);
  });
});
