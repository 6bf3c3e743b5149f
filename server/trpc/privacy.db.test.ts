import { callTRPCProcedure, TRPCError } from '@trpc/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AgentRole, agentRoles, type SchoolRole, schoolRoles } from '#db/schema/vocabulary.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { put, received } from '#server/features/roster-browser/testing/received-rows.ts';
import type { Access } from '#server/kernel/access.ts';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { makeSyncedSchool, type SyncedSchool } from '#server/roster/testing/sync-harness.ts';
import { contextFor, makeAgent, makeAgreement, makeOperator, type TestAgent, testNow } from '#server/testing/actors.ts';
import { appRouter } from './root.ts';

/**
 * Guarantee: agents and operators get counts at most (DESIGN.md §1, "Data-blind"), and whoever at the school does not see people neither. A
 * roster full of recognisable words is walked with every procedure there is; none of them may come back.
 */
const words = {
  family: 'Zwanenburgh',
  given: 'Xaveria',
  middle: 'Quirijntje',
  preferred: 'Xavietje',
  number: 'LLN-90417',
  master: 'ECK-77310',
  username: 'xaveria.zw',
  email: 'xaveria.zwanenburgh@leerling.example',
  phone: '+31 6 99887766',
  sms: '+31 6 55443322',
  sourceId: 'persoon-zw-1',
  alias: 'persoon-zw-2',
  guardian: 'Yolanthe',
  birthDate: '2010-11-09',
  city: 'Appelscha-Boven',
  withheld: 'Wendelmoet',
  reason: 'Blijf-van-mijn-lijf',
  was: 'Zwanebroek',
} as const;
const secrets = Object.values(words).map((word) => word.toLowerCase());

const accessSchema = z.custom<readonly Access[]>((value) => Array.isArray(value) && value.length > 0);
const procedureSchema = z.object({
  type: z.enum(['query', 'mutation']),
  meta: z.object({ verb: z.object({ access: accessSchema }) }),
  inputs: z.array(z.instanceof(z.ZodType)).min(1),
});
/** Queries first: what a mutation ends is asked for before. */
const procedures = Object.entries(appRouter._def.procedures)
  .map(([path, procedure]) => {
    const { type, meta, inputs } = procedureSchema.parse(Reflect.get(procedure, '_def'));
    return { path, type, access: meta.verb.access, input: inputs[0] };
  })
  .toSorted((a, b) => (a.type === b.type ? 0 : a.type === 'query' ? -1 : 1));
type Procedure = (typeof procedures)[number];

const jsonSchema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.object({
    type: z.union([z.string(), z.array(z.string()).transform(([first]) => first)]).optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    anyOf: z.array(jsonSchema).optional(),
    oneOf: z.array(jsonSchema).optional(),
    properties: z.record(z.string(), jsonSchema).optional(),
    required: z.array(z.string()).optional(),
    minimum: z.number().optional(),
    minItems: z.number().optional(),
    items: z.union([jsonSchema, z.boolean()]).optional(),
  }),
);
interface JsonSchema {
  readonly type?: string | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[] | undefined;
  readonly oneOf?: readonly JsonSchema[] | undefined;
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly minimum?: number | undefined;
  readonly minItems?: number | undefined;
  readonly items?: JsonSchema | boolean | undefined;
}

/** Something that a schema takes: true ids and words where the field has a known name, else the simplest there is. */
function filled(schema: JsonSchema, known: Readonly<Record<string, unknown>>, name = ''): unknown {
  if (name in known) return known[name];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [first] = schema.anyOf ?? schema.oneOf ?? [];
  if (first !== undefined) return filled(first, known, name);
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          // Of what may be left out, that is said which leads further.
          .filter(([key]) => schema.required?.includes(key) === true || key in known)
          .map(([key, value]) => [key, filled(value, known, key)]),
      );
    case 'array':
      return (schema.minItems ?? 0) > 0 && typeof schema.items === 'object' ? [filled(schema.items, known)] : [];
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return 'something';
  }
}

describe('a roster with people in it', () => {
  let database: TestDatabase;
  let school: SyncedSchool;
  let agent: TestAgent;
  let known: Record<string, unknown>;
  const callers: { who: string; ctx: Context; holds: Holds }[] = [];

  interface Holds {
    readonly school?: readonly SchoolRole[];
    readonly agent?: readonly AgentRole[];
    readonly operator?: boolean;
  }

  const letsIn = (access: readonly Access[], holds: Holds) =>
    access.some((alternative) => {
      if ('anyone' in alternative || 'signedIn' in alternative) return true;
      if ('operator' in alternative) return holds.operator === true;
      if ('school' in alternative) return alternative.school.some((role) => holds.school?.includes(role));
      return 'agent' in alternative && alternative.agent.some((role) => holds.agent?.includes(role));
    });

  beforeAll(async () => {
    database = await createTestDatabase();
    agent = await makeAgent(database);
    const { operator, operatorId } = await makeOperator(database);
    school = await makeSyncedSchool(database, {
      connector: 'oneroster',
      kind: 'sis',
      scopes: ['roster.subjects', 'roster.groups'],
      settings: {},
    });
    const { schoolId, systemId, connectionId } = school;
    const agreementId = await makeAgreement(database, school, { agentId: agent.agentId });
    const { admin } = database;
    await admin`
      insert into prospect (id, agent_id, school_id, name, register, register_number, country, time_zone, sites, contacts, created_by)
      select ${newId()}, ${agent.agentId}, id, name, register, register_number, country, time_zone, '[]', '[]', ${agent.agent.userId} from school where id = ${schoolId}`;
    await admin`update connection set cause = 'in-sync' where id = ${connectionId}`;
    const group = received(schoolId, systemId, 'groep-1', { kind: 'group', title: '4H wisB' });
    const child = received(schoolId, systemId, words.sourceId, {
      kind: 'student',
      kinds: ['student'],
      given_name: words.given,
      middle_name: words.middle,
      family_name: words.family,
      preferred_given_name: words.preferred,
      identifier: words.number,
      master_identifier: words.master,
      username: words.username,
      email: words.email,
      phone: words.phone,
      sms: words.sms,
      agent_source_ids: [`ouder-${words.sourceId}`],
    });
    const guardian = received(schoolId, systemId, `ouder-${words.sourceId}`, {
      kind: 'guardian',
      kinds: ['guardian'],
      given_name: words.guardian,
      family_name: words.family,
    });
    await put(database, 'roster_group', [group]);
    await put(database, 'roster_person', [child, guardian]);
    await put(database, 'roster_person_alias', [
      { school_id: schoolId, system_id: systemId, source_id: words.alias, person_id: child.id },
    ]);
    const enrolment = received(schoolId, systemId, `inschrijving-${words.sourceId}`, {
      group_id: group.id,
      person_id: child.id,
      role: 'student',
    });
    const demographics = received(schoolId, systemId, words.sourceId, {
      person_id: child.id,
      birth_date: words.birthDate,
      city_of_birth: words.city,
    });
    await put(database, 'roster_enrolment', [enrolment]);
    await put(database, 'roster_demographics', [demographics]);
    await put(database, 'withheld_person', [
      {
        id: newId(),
        school_id: schoolId,
        system_id: systemId,
        source_id: `achter-${words.withheld}`,
        name: `${words.withheld} ${words.family}`,
        reason: words.reason,
        withheld_by: school.people['school-administrator'].userId,
        withheld_at: testNow,
      },
    ]);
    const [heldId, doneId] = [newId(), newId()];
    const counts = admin.json({ students: { fetched: 1, added: 0, changed: 1, gone: 0, setAside: 1, complete: 1 } });
    await put(database, 'sync_run', [
      {
        id: doneId,
        school_id: schoolId,
        system_id: systemId,
        trigger: 'first',
        state: 'succeeded',
        progress: counts,
        created_at: testNow,
        started_at: testNow,
        finished_at: testNow,
      },
      {
        id: heldId,
        school_id: schoolId,
        system_id: systemId,
        trigger: 'schedule',
        state: 'held',
        phase: 'guard',
        progress: counts,
        created_at: testNow,
        started_at: testNow,
        held: admin.json({
          fingerprint: 'f',
          reasons: [{ collection: 'students', site: null, kind: 'gone', field: null, count: 1, of: 1, limit: 0.1 }],
          collections: {},
        }),
      },
    ]);
    for (const syncRunId of [heldId, doneId]) {
      await put(database, 'set_aside_record', [
        {
          id: newId(),
          school_id: schoolId,
          sync_run_id: syncRunId,
          collection: 'students',
          source_id: words.sourceId,
          reason: 'name-missing',
        },
      ]);
    }
    await put(database, 'held_change', [
      {
        id: newId(),
        school_id: schoolId,
        sync_run_id: heldId,
        collection: 'students',
        kind: 'changed',
        source_id: words.sourceId,
        record_id: child.id,
        name: `${words.given} ${words.family}`,
        before: admin.json({ family_name: words.was }),
        after: admin.json({ family_name: words.family }),
      },
    ]);
    await put(database, 'roster_change', [
      {
        school_id: schoolId,
        system_id: systemId,
        sync_run_id: doneId,
        collection: 'students',
        kind: 'updated',
        record_id: child.id,
        fields: ['family_name'],
        before: admin.json({ family_name: words.was }),
        after: admin.json({ family_name: words.family }),
        at: testNow,
      },
    ]);
    const [request] = await admin<{ id: string }[]>`select id from request where school_id = ${schoolId}`;
    const replacementId = newId();
    await put(database, 'system_replacement', [
      {
        id: replacementId,
        school_id: schoolId,
        old_system_id: newId(),
        new_system_id: systemId,
        state: 'undone',
        started_by: newId(),
        started_at: new Date(testNow),
      },
    ]);
    const [template] = await admin<
      { id: string }[]
    >`select id from agreement_template where agent_id = ${agent.agentId}`;
    known = {
      schoolId,
      systemId,
      connectionId,
      agreementId,
      agentId: agent.agentId,
      requestId: request?.id ?? '',
      templateId: template?.id ?? '',
      syncRunId: heldId,
      replacementId,
      personId: child.id,
      groupId: group.id,
      organisationId: operatorId,
      userId: operator.userId,
      collection: 'students',
      fingerprint: 'f',
      search: words.given,
      sourceId: words.sourceId,
      number: words.number,
      name: 'Somebody',
      personName: 'Somebody',
      email: 'somebody@elsewhere.example',
      country: 'NL',
      timeZone: 'Europe/Amsterdam',
      locale: 'en',
      until: '2027-09-30',
      termStart: '2027-01-01',
      termEnd: '2027-12-31',
      day: '2026-03-02',
      after: undefined,
      before: undefined,
      cursor: undefined,
      kind: undefined,
    };
    const add = async (who: string, person: Parameters<typeof contextFor>[1], holds: Holds) => {
      callers.push({ who, ctx: await contextFor(database, person), holds });
    };
    const byRole = { agent: agent.agent, 'agent-administrator': agent.administrator } as const;
    for (const role of agentRoles) await add(role, byRole[role], { agent: [role] });
    await add('operator', operator, { operator: true });
    for (const role of schoolRoles) {
      if (role !== 'school-administrator') await add(role, school.people[role], { school: [role] });
    }
  });
  afterAll(() => database.drop());

  /** Everything that came back, error or answer, and whether it was an answer. */
  async function call(ctx: Context, { path, type, input }: Procedure): Promise<{ text: string; outcome: string }> {
    const schema = jsonSchema.parse(z.toJSONSchema(input ?? z.unknown(), { io: 'input', unrepresentable: 'any' }));
    const raw = filled({ ...schema, type: schema.type ?? 'object' }, withoutTaken(known, schema));
    try {
      const answer: unknown = await callTRPCProcedure({
        router: appRouter,
        path,
        type,
        ctx,
        getRawInput: () => Promise.resolve(raw),
        signal: undefined,
        batchIndex: 0,
      });
      return { text: JSON.stringify(answer) ?? '', outcome: 'answered' };
    } catch (error) {
      if (!(error instanceof TRPCError) || !isCrosswalkError(error.cause)) throw error;
      const { code, details, message } = error.cause;
      return { text: JSON.stringify({ code, details, message, said: error.message }), outcome: code };
    }
  }

  const found = (text: string) => secrets.filter((secret) => text.toLowerCase().includes(secret));

  it('is found by the school administrator, so that it would be seen here', async () => {
    const ctx = await contextFor(database, school.people['school-administrator']);
    const seen = new Set<string>();
    for (const path of ['data.people', 'data.person', 'data.group', 'sync.changes', 'sync.setAside', 'withheld.list']) {
      const procedure = procedures.find((one) => one.path === path);
      if (procedure === undefined) throw new Error(`no ${path}`);
      const { text, outcome } = await call(ctx, procedure);
      expect([path, outcome, found(text).length > 0]).toEqual([path, 'answered', true]);
      for (const word of found(text)) seen.add(word);
    }
    expect([...seen].toSorted()).toEqual([...new Set(secrets)].toSorted());
  });

  it('is walked: every query that these people may ask is answered, but for rows about students', async () => {
    const unanswered = new Set<string>();
    for (const { ctx, holds } of callers) {
      for (const procedure of procedures.filter(({ type, access }) => type === 'query' && letsIn(access, holds))) {
        const { outcome } = await call(ctx, procedure);
        if (outcome !== 'answered') unanswered.add(`${procedure.path}: ${outcome}`);
      }
    }
    expect([...unanswered].toSorted()).toEqual([
      // A document and links that only their holders know of.
      'agreements.readDocument: invalid-input',
      'people.viewInvitation: invalid-input',
      'people.viewPasswordReset: invalid-input',
      // No LMS of this school is written into.
      'push.ledger: push-not-offered',
      'push.page: push-not-offered',
      'push.rows: invalid-input',
      'push.run: invalid-input',
      'schools.viewRegistration: invalid-input',
      // Rows of students, for the school administrator alone.
      'sync.changes: forbidden',
    ]);
  });

  it('shows nobody but the school administrator a name, number, address or id of a person, whatever is called', async () => {
    const leaks: string[] = [];
    let answers = 0;
    for (const { who, ctx } of callers) {
      for (const procedure of procedures) {
        const { text, outcome } = await call(ctx, procedure);
        if (outcome === 'answered') answers += 1;
        const told = found(text);
        if (told.length > 0) leaks.push(`${who} ${procedure.path}: ${told.join(', ')}`);
      }
    }
    expect(leaks).toEqual([]);
    expect(answers).toBeGreaterThan(100);
    const written = await database.admin`
      select data::text as text from outbox union all select details::text from audit_entry union all select m::text from mail m`;
    expect(written.length).toBeGreaterThan(0);
    expect(found(JSON.stringify(written))).toEqual([]);
  });
});

/** A field whose name means something else here is filled by its schema. */
function withoutTaken(known: Readonly<Record<string, unknown>>, schema: JsonSchema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(known).filter(([key, value]) => {
      const field = schema.properties?.[key];
      if (value === undefined) return schema.required?.includes(key) !== true;
      return field?.enum === undefined || field.enum.includes(value);
    }),
  );
}
