import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { appendAudit } from './audit.ts';
import { exportChain, verifyChain, verifyExport } from './audit-verify.ts';
import { fixedClock } from './clock.ts';
import { newId } from './ids.ts';
import { headSigner, loadSignedHeads, readSignedHeads, writeSignedHeads } from './signed-heads.ts';

let database: TestDatabase;
let folder: string;
let auditHeadsFile: string;
const masterKeys = [{ id: '1', base64: randomBytes(32).toString('base64') }];
const publicKeys = masterKeys.map((key) => headSigner(key).publicKey);
const clock = fixedClock('2026-11-20T12:00:00Z');

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosswalk-heads-'));
  auditHeadsFile = join(folder, 'kept', 'audit-heads.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

async function makeSchool(entries: number): Promise<string> {
  const id = newId();
  await database.admin`insert into organisation (id, kind, name) values (${id}, 'school', 'Rijnland')`;
  await database.admin`
    insert into school (id, name, register, register_number, country, time_zone)
    values (${id}, 'Rijnland', 'BRIN', ${id.slice(-6)}, 'NL', 'Europe/Amsterdam')`;
  await append(id, entries);
  return id;
}

const append = (chain: string, entries: number, action = 'request.approved') =>
  database.web.withSchool(chain, (tx) =>
    appendAudit(
      tx,
      Array.from({ length: entries }, () => ({
        chain,
        action,
        subjectKind: 'request',
        subjectId: newId(),
        actor: { kind: 'system' as const, reason: 'test' },
        details: {},
        at: clock.now(),
      })),
    ),
  );

const write = () => writeSignedHeads({ database: database.web, env: { masterKeys, auditHeadsFile }, clock });
/** What the writing says of one chain; other tests of this file leave broken ones behind. */
const brokenBy = async (chain: string) => (await write()).broken.filter((one) => one.chain === chain);
const read = (keys = masterKeys) => loadSignedHeads({ masterKeys: keys, auditHeadsFile });
const verify = async (chain: string) => {
  const heads = await read();
  return database.web.withSchool(chain, (tx) => verifyChain(tx, chain, heads));
};

/** Cuts a chain back to `seq`, head and all: what somebody who can write the database would do. */
const cutBack = (chain: string, seq: number) =>
  database.admin.begin(async (thief) => {
    await thief`set local session_replication_role = replica`;
    await thief`delete from audit_entry where chain_id = ${chain} and seq > ${seq}`;
    await thief`
      update audit_head h set seq = e.seq, hash = e.hash from audit_entry e
       where h.chain_id = ${chain} and e.chain_id = ${chain} and e.seq = ${seq}`;
  });

describe('signed heads', () => {
  test('are none before the first were written', async () => {
    expect((await read()).byChain.size).toBe(0);
  });

  test('are written for each chain that has grown, readable by nobody else', async () => {
    const [one, other] = [await makeSchool(3), await makeSchool(2)];
    expect(await write()).toMatchObject({ broken: [], badLines: [] });
    expect((await stat(auditHeadsFile)).mode & 0o077).toBe(0);
    expect(await write()).toMatchObject({ written: 0 });
    await append(other, 2);
    expect(await write()).toMatchObject({ written: 1, broken: [], badLines: [] });
    const heads = await read();
    expect(heads.badLines).toEqual([]);
    expect(heads.byChain.get(one)?.map((head) => head.seq)).toEqual([3]);
    expect(heads.byChain.get(other)?.map((head) => head.seq)).toEqual([2, 4]);
    expect(await verify(other)).toMatchObject({ ok: true, entries: 4 });
  });

  test('show a chain that was cut back, head and all', async () => {
    const school = await makeSchool(6);
    await write();
    await cutBack(school, 4);
    expect(await database.web.withSchool(school, (tx) => verifyChain(tx, school))).toMatchObject({ ok: true });
    expect(await verify(school)).toEqual({ ok: false, firstBad: { seq: 5, id: null, what: 'truncated' } });
    expect(await brokenBy(school)).toEqual([{ chain: school, firstBad: { seq: 5, id: null, what: 'truncated' } }]);
  });

  test('show a chain that was cut back and grew again past where it was', async () => {
    const school = await makeSchool(2);
    await write();
    await append(school, 4);
    await write();
    await cutBack(school, 3);
    const ids = await append(school, 9, 'nothing.happened');
    expect(await database.web.withSchool(school, (tx) => verifyChain(tx, school))).toMatchObject({ ok: true });
    const verdict = await verify(school);
    // Row 3 is genuine, but only heads 2 and 6 were signed: from there on nobody vouches for a row.
    expect(verdict).toMatchObject({ ok: false, firstBad: { seq: 3, what: 'replaced' } });
    expect(ids).toHaveLength(9);
    expect(await brokenBy(school)).toMatchObject([{ chain: school, firstBad: { seq: 3, what: 'replaced' } }]);
    expect((await read()).byChain.get(school)?.map((head) => head.seq)).toEqual([2, 6]);
  });

  test('are not written for a chain that was altered since', async () => {
    const school = await makeSchool(2);
    await write();
    const [id = ''] = await append(school, 3);
    await database.admin.begin(async (thief) => {
      await thief`set local session_replication_role = replica`;
      await thief`update audit_entry set action = 'x' where id = ${id}`;
    });
    expect(await brokenBy(school)).toEqual([{ chain: school, firstBad: { seq: 3, id, what: 'altered' } }]);
  });

  test('show a chain that is gone altogether', async () => {
    const school = await makeSchool(3);
    await write();
    await database.admin.begin(async (thief) => {
      await thief`set local session_replication_role = replica`;
      await thief`delete from audit_entry where chain_id = ${school}`;
      await thief`delete from audit_head where chain_id = ${school}`;
    });
    expect(await verify(school)).toMatchObject({ ok: false, firstBad: { seq: 1, what: 'truncated' } });
    expect(await brokenBy(school)).toMatchObject([{ chain: school, firstBad: { seq: 1, what: 'truncated' } }]);
  });

  test('cannot be forged, removed, put back or read with another key', async () => {
    const school = await makeSchool(2);
    await write();
    await append(school, 1);
    await write();
    await append(school, 1);
    await write();
    const text = await readFile(auditHeadsFile, 'utf8');
    const lines = text.split('\n').slice(0, -1);
    const badLines = (changed: readonly string[], keys = publicKeys) =>
      readSignedHeads(`${changed.join('\n')}\n`, keys).badLines.map((bad) => bad.what);
    expect(badLines(lines)).toEqual([]);
    const last = lines.at(-1) ?? '';
    expect(badLines([...lines.slice(0, -1), last.replace('"seq":4', '"seq":3')])).toContain('bad-signature');
    expect(badLines(lines.toSpliced(-2, 1))).toEqual(['broken-off']);
    expect(badLines([...lines, lines.at(-2) ?? ''])).toEqual(['broken-off', 'backwards']);
    expect(badLines([...lines, 'no JSON', '{}'])).toEqual(['unreadable', 'unreadable']);
    const stranger = headSigner({ id: '1', base64: randomBytes(32).toString('base64') }).publicKey;
    expect(new Set(badLines(lines, [stranger]))).toEqual(new Set(['unknown-key']));
    expect(readSignedHeads(text, [stranger]).byChain.size).toBe(0);
  });

  test('go on after a write that a crash cut short', async () => {
    const school = await makeSchool(1);
    await write();
    await appendFile(auditHeadsFile, '{"version":1,"n":');
    await append(school, 1);
    expect(await write()).toMatchObject({ written: 1, badLines: [] });
    expect((await read()).badLines).toEqual([]);
  });

  test('go on under a new master key while the old one is known', async () => {
    const school = await makeSchool(1);
    await write();
    await append(school, 1);
    const renewed = [{ id: '2', base64: randomBytes(32).toString('base64') }, ...masterKeys];
    const written = await writeSignedHeads({
      database: database.web,
      env: { masterKeys: renewed, auditHeadsFile },
      clock,
    });
    expect(written).toMatchObject({ written: 1, badLines: [] });
    const heads = await read(renewed);
    expect(heads.byChain.get(school)?.map((head) => head.seq)).toEqual([1, 2]);
  });

  test('vouch for an export, which then cannot be cut short', async () => {
    const school = await makeSchool(4);
    await write();
    const heads = await read();
    const lines: string[] = [];
    await database.web.withSchool(school, async (tx) => {
      for await (const line of exportChain(tx, school, { at: clock.now(), signedHeads: heads })) lines.push(line);
    });
    expect(await verifyExport(lines.join(''), publicKeys)).toMatchObject({
      verdict: { ok: true, entries: 4 },
      vouchedBy: 1,
    });
    const cut = lines.filter((line) => !line.includes('"seq":4,"school"') && !/"entry":.*"seq":4/.test(line));
    expect(await verifyExport(cut.join(''), publicKeys)).toMatchObject({
      verdict: { ok: false, firstBad: { seq: 4, what: 'truncated' } },
    });
  });

  test('are written by one process at a time', async () => {
    await Promise.all([makeSchool(1), makeSchool(1), makeSchool(1)]);
    await Promise.all([write(), write(), write()]);
    expect((await read()).badLines).toEqual([]);
  });

  test('are not trusted from a file that somebody replaced', async () => {
    const school = await makeSchool(2);
    await write();
    await writeFile(auditHeadsFile, 'gone\n');
    expect((await read()).badLines).toEqual([{ line: 1, what: 'unreadable' }]);
    expect((await write()).badLines).toEqual([{ line: 1, what: 'unreadable' }]);
    expect(await verify(school)).toMatchObject({ ok: true });
  });
});
