import { callTRPCProcedure, TRPCError } from '@trpc/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AgentRole, agentRoles, type LinkPurpose, type SchoolRole, schoolRoles } from '#db/schema/vocabulary.ts';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { actorOfSession } from '#server/features/people/actor-of-session.ts';
import { newToken } from '#server/features/people/session-token.ts';
import type { Access } from '#server/kernel/access.ts';
import type { Actor, Context } from '#server/kernel/context.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import {
  contextFor,
  contextOf,
  giveRole,
  jobContext,
  makeAgent,
  makeAgreement,
  makeOperator,
  makePerson,
  makeSchool,
  nobody,
  systemContext,
  type TestAgent,
  type TestPerson,
  type TestSchool,
  testNow,
} from '#server/testing/actors.ts';
import { appRouter } from './root.ts';

/** Every procedure there is, with the access that its verb declares. Nothing is listed by hand. */
const accessSchema = z.custom<readonly Access[]>((value) => Array.isArray(value) && value.length > 0);
const procedureSchema = z.object({
  type: z.enum(['query', 'mutation']),
  meta: z.object({
    verb: z.object({ name: z.string(), kind: z.enum(['query', 'command']), access: accessSchema }),
  }),
});
const procedures = Object.entries(appRouter._def.procedures).map(([path, procedure]) => {
  const parsed = procedureSchema.safeParse(Reflect.get(procedure, '_def'));
  if (!parsed.success) throw new Error(`${path} is no verb: make it by query() or mutation() of init.ts`);
  const { type, meta } = parsed.data;
  return { path, type, ...meta.verb };
});

/** Who asks, said independently of the code under test. */
interface Caller {
  readonly who: string;
  readonly ctx: Context;
  readonly input: { schoolId: string; agentId: string };
  /** What he holds that counts for the school and agent that `input` names. */
  readonly holds: {
    readonly account?: 'half' | 'full';
    readonly school?: readonly SchoolRole[];
    readonly agent?: readonly AgentRole[];
    readonly prospect?: boolean;
    readonly agreement?: boolean;
    readonly operator?: boolean;
    readonly link?: LinkPurpose;
    readonly job?: boolean;
    readonly system?: boolean;
  };
  readonly refusedWith: 'not-signed-in' | 'second-factor-needed' | 'forbidden';
}

/** Whether one of the alternatives lets him in, as access.ts words them. */
function letsIn(access: readonly Access[], { holds }: Caller): boolean {
  const full = holds.account === 'full';
  return access.some((alternative) => {
    if ('anyone' in alternative) return true;
    if ('job' in alternative) return holds.job === true;
    if ('system' in alternative) return holds.system === true;
    if ('link' in alternative) return holds.link === alternative.link;
    if ('signedIn' in alternative) return full || (holds.account === 'half' && alternative.half === true);
    if ('operator' in alternative) return full && holds.operator === true;
    if ('school' in alternative) return full && alternative.school.some((role) => holds.school?.includes(role));
    const serves =
      alternative.serves === undefined ||
      (alternative.serves === 'prospect' ? holds.prospect : holds.agreement) === true;
    return full && serves && alternative.agent.some((role) => holds.agent?.includes(role));
  });
}

const refusalCodes = ['not-signed-in', 'second-factor-needed', 'forbidden'];

async function call(caller: Caller, { path, type }: { path: string; type: 'query' | 'mutation' }): Promise<string> {
  try {
    await callTRPCProcedure({
      router: appRouter,
      path,
      type,
      ctx: caller.ctx,
      getRawInput: () => Promise.resolve(caller.input),
      signal: undefined,
      batchIndex: 0,
    });
    return 'answered';
  } catch (error) {
    if (error instanceof TRPCError && isCrosswalkError(error.cause)) return error.cause.code;
    throw error;
  }
}

describe('every procedure', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let agent: TestAgent;
  const callers: Caller[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    agent = await makeAgent(database);
    school = await makeSchool(database, { agentId: agent.agentId });
    await makeAgreement(database, school, { agentId: agent.agentId });
    const otherAgent = await makeAgent(database);
    const otherSchool = await makeSchool(database, { agentId: otherAgent.agentId });
    await makeAgreement(database, otherSchool, { agentId: otherAgent.agentId });
    const { operator } = await makeOperator(database);
    const input = { schoolId: school.schoolId, agentId: agent.agentId };
    const add = (caller: Caller) => callers.push(caller);
    const asUser = async (
      who: string,
      person: TestPerson,
      holds: Caller['holds'],
      more: { half?: boolean; input?: Caller['input'] } = {},
    ) => {
      const half = more.half === true;
      const ctx = await contextFor(database, person, { assurance: half ? 'password-ok' : 'full' });
      add({
        who,
        ctx,
        input: more.input ?? input,
        holds: { account: half ? 'half' : 'full', ...holds },
        refusedWith: half ? 'second-factor-needed' : 'forbidden',
      });
    };

    add({ who: 'nobody', ctx: await nobody(database), input, holds: {}, refusedWith: 'not-signed-in' });
    await asUser('somebody without any role', await makePerson(database), {});
    for (const role of schoolRoles) {
      const person = school.people[role];
      await asUser(`${role} of the school`, person, { school: [role] });
      await asUser(`${role} of the school before the second factor`, person, { school: [role] }, { half: true });
      await asUser(`${role} of another school`, otherSchool.people[role], {});
      const former = await makePerson(database);
      const membershipId = await giveRole(database, former, role, school.schoolId);
      await database.admin`update membership set ended_at = ${testNow} where id = ${membershipId}`;
      await asUser(`former ${role} of the school`, former, {});
      add({
        who: `${role} of the school whose session was revoked`,
        ctx: await revoked(person),
        input,
        holds: {},
        refusedWith: 'not-signed-in',
      });
    }
    const served = { prospect: true, agreement: true };
    for (const role of agentRoles) {
      const [person, stranger] =
        role === 'agent' ? [agent.agent, otherAgent.agent] : [agent.administrator, otherAgent.administrator];
      await asUser(`${role} of the school's agent`, person, { agent: [role], ...served });
      await asUser(
        `${role} of the school's agent before the second factor`,
        person,
        { agent: [role], ...served },
        { half: true },
      );
      await asUser(`${role} of another agent in the name of the school's`, stranger, {});
      await asUser(
        `${role} of another agent in his own name`,
        stranger,
        { agent: [role] },
        {
          input: { schoolId: school.schoolId, agentId: otherAgent.agentId },
        },
      );
      add({
        who: `${role} of the school's agent whose session was revoked`,
        ctx: await revoked(person),
        input,
        holds: {},
        refusedWith: 'not-signed-in',
      });
    }
    const suspended = await makeAgent(database);
    await database.admin`update organisation set suspended_at = ${testNow} where id = ${suspended.agentId}`;
    await asUser(
      'administrator of a suspended agent',
      suspended.administrator,
      {},
      {
        input: { schoolId: school.schoolId, agentId: suspended.agentId },
      },
    );
    await asUser('operator', operator, { operator: true });
    await asUser('operator before the second factor', operator, { operator: true }, { half: true });
    add({
      who: 'operator whose session was revoked',
      ctx: await revoked(operator),
      input,
      holds: {},
      refusedWith: 'not-signed-in',
    });

    const holder = (schoolId: string, purpose: 'technical-contact' | 'pairing' = 'technical-contact'): Actor => ({
      kind: 'link',
      linkId: newId(),
      purpose,
      schoolId,
      systemId: null,
      name: 'Tom',
    });
    add({
      who: "holder of a technical contact's link of the school",
      ctx: await contextOf(database, holder(school.schoolId)),
      input,
      holds: { link: 'technical-contact' },
      refusedWith: 'forbidden',
    });
    add({
      who: "holder of a technical contact's link of another school",
      ctx: await contextOf(database, holder(otherSchool.schoolId)),
      input,
      holds: {},
      refusedWith: 'forbidden',
    });
    add({
      who: 'holder of a pairing link of the school',
      ctx: await contextOf(database, holder(school.schoolId, 'pairing')),
      input,
      holds: { link: 'pairing' },
      refusedWith: 'forbidden',
    });
    add({ who: 'a job', ctx: await jobContext(database), input, holds: { job: true }, refusedWith: 'forbidden' });
    add({
      who: 'the start',
      ctx: await systemContext(database),
      input,
      holds: { system: true },
      refusedWith: 'forbidden',
    });
  });
  afterAll(() => database.drop());

  /** The context that a request gets whose session was revoked while it stood in the cookie. */
  async function revoked(person: TestPerson): Promise<Context> {
    const { token, hash } = newToken();
    const expires = new Date(Date.parse(testNow) + 86_400_000);
    await database.admin`
      insert into session (id, user_id, token_hash, state, created_at, last_seen_at, expires_at, revoked_at)
      values (${newId()}, ${person.userId}, ${hash}, 'revoked', ${testNow}, ${testNow}, ${expires}, ${testNow})`;
    return contextOf(database, await actorOfSession(database.web, token, new Date(testNow)));
  }

  /** A mark of every row of every table: a row that was added, changed or removed gives another one. */
  async function everything(): Promise<string> {
    const tables = z.array(z.object({ name: z.string() })).parse(
      await database.admin`
          select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    const marks = tables.map(
      ({ name }) =>
        `select '${name.replaceAll("'", "''")}' as name, coalesce(md5(string_agg(ctid::text || ':' || xmin::text, ',' order by ctid)), '') as mark from ${name}`,
    );
    return JSON.stringify(await database.admin.unsafe(`${marks.join(' union all ')} order by 1`));
  }

  it('would leave a trace that is seen here, if it wrote anything', async () => {
    const person = await makePerson(database);
    const before = await everything();
    await database.admin`update app_user set name = name where id = ${person.userId}`;
    expect(await everything()).not.toBe(before);
  });

  it('is a verb that says who may call it, and a query where it is called by GET', () => {
    expect(procedures.length).toBeGreaterThan(40);
    for (const { path, type, kind } of procedures)
      expect([path, kind]).toEqual([path, type === 'query' ? 'query' : 'command']);
  });

  it.each(procedures)(
    '$path refuses whom its access does not name, with the right code and without a trace',
    async (procedure) => {
      const wrong = callers.filter((caller) => !letsIn(procedure.access, caller));
      const open = procedure.access.some((alternative) => 'anyone' in alternative);
      expect(wrong.length === 0).toBe(open);
      const before = await everything();
      for (const caller of wrong) {
        expect([caller.who, await call(caller, procedure)]).toEqual([caller.who, caller.refusedWith]);
      }
      expect(await everything()).toBe(before);
    },
  );

  it.each(procedures)('$path lets in whom its access names', async (procedure) => {
    const right = callers.filter((caller) => letsIn(procedure.access, caller));
    expect(right.length).toBeGreaterThan(0);
    for (const caller of right.slice(0, 3)) {
      const answer = await call(caller, procedure);
      expect([caller.who, refusalCodes.includes(answer)]).toEqual([caller.who, false]);
    }
  });
});
