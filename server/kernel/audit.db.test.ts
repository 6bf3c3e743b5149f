import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { TransactionSql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type AuditEntry, appendAudit, readChain, readHead } from './audit.ts';
import { operatorChainId } from './audit-entry.ts';
import { exportChain, verifyChain, verifyExport } from './audit-verify.ts';
import { newId } from './ids.ts';
import { headSigner } from './signed-heads.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function makeSchool(): Promise<string> {
  const id = newId();
  await database.admin`insert into organisation (id, kind, name) values (${id}, 'school', 'Rijnland')`;
  await database.admin`
    insert into school (id, name, register, register_number, country, time_zone)
    values (${id}, 'Rijnland', 'BRIN', ${id.slice(-6)}, 'NL', 'Europe/Amsterdam')`;
  return id;
}

const entry = (chain: string, action = 'request.approved', details: AuditEntry['details'] = {}): AuditEntry => ({
  chain,
  action,
  subjectKind: 'request',
  subjectId: newId(),
  actor: { kind: 'system', reason: 'test' },
  details,
  at: new Date('2026-11-20T09:00:00.123Z'),
});

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

const append = (chain: string, ...entries: AuditEntry[]) =>
  database.web.inScope({ schoolId: chain === 'operator' ? null : chain }, (tx) => appendAudit(tx, entries));

async function makeChain(length: number): Promise<{ school: string; ids: string[] }> {
  const school = await makeSchool();
  const ids = await append(
    school,
    ...Array.from({ length }, (_, index) => entry(school, 'request.approved', { count: index })),
  );
  return { school, ids };
}

const verify = (chain: string) =>
  database.web.inScope({ schoolId: chain === 'operator' ? null : chain }, (tx) => verifyChain(tx, chain));

/** As somebody with the superuser's password: past grants, policies and triggers. */
const asThief = (run: (thief: TransactionSql) => Promise<unknown>) =>
  database.admin.begin(async (thief) => {
    await thief`set local session_replication_role = replica`;
    await run(thief);
  });

describe('appending', () => {
  test('numbers the entries of a chain, each with the hash of the one before', async () => {
    const { school, ids } = await makeChain(3);
    await append(
      school,
      entry(school, 'grant.ended', { note: 'später — “ok” 漢字', scopes: ['roster.groups'], n: 1.5, none: null }),
    );
    const rows = await database.web.withSchool(school, (tx) => collect(readChain(tx, school)));
    expect(rows.map((row) => row.seq)).toEqual([1, 2, 3, 4]);
    expect(rows.slice(0, 3).map((row) => row.id)).toEqual(ids);
    expect(rows.slice(1).map((row) => row.previousHash)).toEqual(rows.slice(0, 3).map((row) => row.hash));
    expect(await verify(school)).toMatchObject({ ok: true, entries: 4 });
  });

  test('writes the school and the operator in one transaction, whoever is first', async () => {
    const [one, other] = [await makeSchool(), await makeSchool()];
    await Promise.all(
      [one, other].flatMap((school) =>
        Array.from({ length: 5 }, (_, index) =>
          append(
            school,
            ...(index % 2 === 0 ? [entry(school), entry('operator')] : [entry('operator'), entry(school)]),
          ),
        ),
      ),
    );
    expect(await verify(one)).toMatchObject({ ok: true, entries: 5 });
    expect(await verify(other)).toMatchObject({ ok: true, entries: 5 });
    expect(await verify('operator')).toMatchObject({ ok: true });
  });

  test('leaves nothing behind when the transaction fails', async () => {
    const { school } = await makeChain(2);
    const failing = database.web.withSchool(school, async (tx) => {
      await appendAudit(tx, [entry(school)]);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await verify(school)).toMatchObject({ ok: true, entries: 2 });
  });

  test('does not reach the chain of another school', async () => {
    const [one, other] = [await makeSchool(), await makeSchool()];
    await expect(database.web.withSchool(one, (tx) => appendAudit(tx, [entry(other)]))).rejects.toMatchObject({
      cause: { code: '42501' },
    });
    expect(await database.web.withSchool(one, (tx) => readHead(tx, other))).toBeNull();
    const { school } = await makeChain(2);
    expect(await database.web.withSchool(one, (tx) => collect(readChain(tx, school)))).toEqual([]);
  });

  test('refuses what PostgreSQL could not give back as it was hashed', async () => {
    const school = await makeSchool();
    const unstorable: AuditEntry['details'][] = [{ a: 'nul \0' }, { a: ['\ud800'] }, { a: Number.NaN }, { '\0': 1 }];
    for (const details of unstorable) {
      await expect(append(school, entry(school, 'x', details))).rejects.toMatchObject({ code: 'internal' });
    }
  });

  test('holds several pages', async () => {
    const { school } = await makeChain(2300);
    expect(await verify(school)).toMatchObject({ ok: true, entries: 2300 });
  });
});

describe('the database itself', () => {
  test.each(['web', 'sync'] as const)('lets %s change, remove or empty nothing', async (role) => {
    const { school } = await makeChain(2);
    const run = (statement: ReturnType<typeof sql>) => database[role].withSchool(school, (tx) => tx.execute(statement));
    for (const statement of [
      sql`update audit_entry set action = 'x'`,
      sql`delete from audit_entry`,
      sql`truncate audit_entry`,
      sql`delete from audit_head`,
      sql`update audit_head set seq = 1, hash = (select hash from audit_entry where seq = 1 and school_id is not null)`,
      sql`update audit_head set seq = 9`,
    ]) {
      await expect(run(statement)).rejects.toThrow();
    }
    expect(await verify(school)).toMatchObject({ ok: true, entries: 2 });
  });

  test('lets not even its owner', async () => {
    await makeChain(2);
    const asOwner = (statement: string) =>
      database.admin.begin(async (tx) => {
        await tx`set local role crosswalk_owner`;
        await tx.unsafe(statement);
      });
    for (const statement of [
      "update audit_entry set action = 'x'",
      'delete from audit_entry',
      'truncate audit_entry',
      'truncate audit_head',
      'delete from audit_head',
    ]) {
      await expect(asOwner(statement)).rejects.toMatchObject({ code: 'CW010' });
    }
  });

  test('takes no entry that does not follow the last', async () => {
    const { school } = await makeChain(2);
    const insert = (seq: number, previous: Buffer) =>
      database.web.withSchool(school, (tx) =>
        tx.execute(sql`
          insert into audit_entry (id, chain_id, school_id, seq, at, actor_kind, action, subject_kind, details, previous_hash, hash)
          values (${newId()}, ${school}, ${school}, ${seq}, now(), 'system', 'x', 'y', '{}', ${previous}, ${randomBytes(32)})`),
      );
    for (const seq of [1, 2, 3, 4]) {
      await expect(insert(seq, randomBytes(32))).rejects.toMatchObject({ cause: { code: 'CW011' } });
    }
  });
});

describe('a thief with the superuser’s password', () => {
  test('alters a row: it is named', async () => {
    const { school, ids } = await makeChain(6);
    await asThief((thief) => thief`update audit_entry set details = '{"count": 99}' where id = ${ids[2] ?? ''}`);
    expect(await verify(school)).toEqual({ ok: false, firstBad: { seq: 3, id: ids[2], what: 'altered' } });
  });

  test('removes a row: its number is named', async () => {
    const { school, ids } = await makeChain(6);
    await asThief((thief) => thief`delete from audit_entry where id = ${ids[3] ?? ''}`);
    expect(await verify(school)).toEqual({ ok: false, firstBad: { seq: 4, id: null, what: 'missing' } });
    await asThief(async (thief) => {
      await thief`update audit_entry set seq = -seq where chain_id = ${school} and seq > 4`;
      await thief`update audit_entry set seq = -seq - 1 where chain_id = ${school} and seq < 0`;
      await thief`update audit_head set seq = 5 where chain_id = ${school}`;
    });
    expect(await verify(school)).toEqual({ ok: false, firstBad: { seq: 4, id: null, what: 'missing' } });
  });

  test('swaps two rows: the first is named', async () => {
    const { school, ids } = await makeChain(6);
    await asThief(async (thief) => {
      await thief`update audit_entry set seq = -2 where id = ${ids[1] ?? ''}`;
      await thief`update audit_entry set seq = 2 where id = ${ids[4] ?? ''}`;
      await thief`update audit_entry set seq = 5 where id = ${ids[1] ?? ''}`;
    });
    expect(await verify(school)).toEqual({ ok: false, firstBad: { seq: 2, id: ids[4], what: 'reordered' } });
  });

  test('cuts the end off: the first missing number is named', async () => {
    const { school } = await makeChain(6);
    await asThief((thief) => thief`delete from audit_entry where chain_id = ${school} and seq > 4`);
    expect(await verify(school)).toEqual({ ok: false, firstBad: { seq: 5, id: null, what: 'truncated' } });
  });

  test('puts an old head back: it does not fit', async () => {
    const { school, ids } = await makeChain(6);
    await asThief(
      (thief) => thief`
        update audit_head h set seq = e.seq, hash = e.hash from audit_entry e
         where h.chain_id = ${school} and e.chain_id = ${school} and e.seq = 4`,
    );
    expect(await verify(school)).toEqual({ ok: false, firstBad: { seq: 6, id: ids[5], what: 'head-wrong' } });
  });

  test('moves a row into the chain of another school: both show it', async () => {
    const { school, ids } = await makeChain(3);
    const { school: other } = await makeChain(2);
    await asThief(
      (thief) => thief`update audit_entry set chain_id = ${other}, school_id = ${other} where id = ${ids[2] ?? ''}`,
    );
    expect(await verify(school)).toMatchObject({ ok: false, firstBad: { seq: 3, what: 'truncated' } });
    expect(await verify(other)).toMatchObject({ ok: false, firstBad: { seq: 3, id: ids[2] } });
  });
});

describe('an export', () => {
  const exported = async (chain: string) => {
    const lines = await database.web.inScope({ schoolId: chain === 'operator' ? null : chain }, (tx) =>
      collect(exportChain(tx, chain, { at: new Date('2026-11-20T10:00:00Z') })),
    );
    return lines;
  };
  const keys = [headSigner({ id: '1', base64: randomBytes(32).toString('base64') }).publicKey];

  test('is verified without the database', async () => {
    const { school } = await makeChain(4);
    const lines = await exported(school);
    expect(lines).toHaveLength(5);
    expect(await verifyExport(lines.join(''), keys)).toMatchObject({
      chain: school,
      verdict: { ok: true, entries: 4 },
      vouchedBy: 0,
    });
    await append('operator', entry('operator'));
    expect(await verifyExport((await exported('operator')).join(''), keys)).toMatchObject({
      chain: operatorChainId,
      verdict: { ok: true },
    });
  });

  test('shows an altered, a missing and a moved line', async () => {
    const { school, ids } = await makeChain(4);
    const [header = '', ...lines] = await exported(school);
    const firstBad = async (changed: string[]) => (await verifyExport([header, ...changed].join(''), keys)).verdict;
    const altered = lines.map((line) => line.replace('"count":1', '"count":7'));
    expect(await firstBad(altered)).toMatchObject({ firstBad: { seq: 2, id: ids[1], what: 'altered' } });
    expect(await firstBad(lines.toSpliced(1, 1))).toMatchObject({ firstBad: { seq: 2, what: 'missing' } });
    expect(await firstBad([...lines.slice(1), ...lines.slice(0, 1)])).toMatchObject({
      firstBad: { seq: 1, id: ids[0], what: 'reordered' },
    });
  });

  test('that is none is refused with the number of the line', async () => {
    const { school } = await makeChain(1);
    const text = (await exported(school)).join('');
    await expect(verifyExport('', keys)).rejects.toMatchObject({ code: 'invalid-input', details: { line: 1 } });
    await expect(verifyExport(`${text}no JSON\n`, keys)).rejects.toMatchObject({
      code: 'invalid-input',
      details: { line: 3 },
    });
    await expect(verifyExport(`${text}{}\n`, keys)).rejects.toMatchObject({
      code: 'invalid-input',
      details: { line: 3 },
    });
  });
});
