import type { AgreementState, Role, SchoolRole, TrustState } from '#db/schema/vocabulary.ts';
import type { TestDatabase } from '#db/testing/test-database.ts';
import { actorOfSession } from '#server/features/people/actor-of-session.ts';
import { newToken } from '#server/features/people/session-token.ts';
import { type Clock, fixedClock } from '#server/kernel/clock.ts';
import type { Actor, Context } from '#server/kernel/context.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Keyring } from '#server/kernel/sealed.ts';

/** The moment at which tests take place unless they bring a clock. */
export const testNow = '2026-03-02T09:00:00.000Z';

export interface TestPerson {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
}

let counter = 0;
const next = () => {
  counter += 1;
  return `${counter}-${newId().slice(-6)}`;
};

/** An account without any role. */
export async function makePerson(
  database: TestDatabase,
  { name, email }: { name?: string; email?: string } = {},
): Promise<TestPerson> {
  const tag = next();
  const person = { userId: newId(), name: name ?? `Person ${tag}`, email: email ?? `person-${tag}@example.org` };
  await database.admin`
    insert into app_user (id, name, email, email_folded, email_verified_at)
    values (${person.userId}, ${person.name}, ${person.email}, ${person.email.toLowerCase()}, ${testNow})`;
  return person;
}

/** Gives a person a role. For a role of a school `organisationId` is the school's id. */
export async function giveRole(
  database: TestDatabase,
  person: TestPerson,
  role: Role,
  organisationId: string,
  limits: { systemId?: string; siteId?: string } = {},
): Promise<string> {
  const id = newId();
  await database.admin`
    insert into membership (id, organisation_id, school_id, user_id, role, system_id, site_id)
    select ${id}, o.id, case when o.kind = 'school' then o.id end, ${person.userId}, ${role}, ${limits.systemId ?? null}, ${limits.siteId ?? null}
      from organisation o where o.id = ${organisationId}`;
  return id;
}

export interface TestOperator {
  readonly operatorId: string;
  readonly operator: TestPerson;
}

/** The operator's organisation with one person. */
export async function makeOperator(database: TestDatabase): Promise<TestOperator> {
  const operatorId = newId();
  await database.admin`insert into organisation (id, kind, name, reviewed_at) values (${operatorId}, 'operator', 'The marketplace', ${testNow})`;
  const operator = await makePerson(database, { name: 'Olga Operator' });
  await giveRole(database, operator, 'operator', operatorId);
  return { operatorId, operator };
}

export interface TestAgent {
  readonly agentId: string;
  readonly agent: TestPerson;
  readonly administrator: TestPerson;
}

/** A sales agent's organisation with an agent and an agent administrator, whose addresses are of `emailDomain`. */
export async function makeAgent(
  database: TestDatabase,
  { name, emailDomain, mayCountersign }: { name?: string; emailDomain?: string; mayCountersign?: boolean } = {},
): Promise<TestAgent> {
  const tag = next();
  const agentId = newId();
  const domain = emailDomain ?? `agent-${tag}.example`;
  await database.admin`
    insert into organisation (id, kind, name, email_domains, may_countersign, reviewed_at)
    values (${agentId}, 'agent', ${name ?? `Agent ${tag}`}, ${[domain]}, ${mayCountersign ?? false}, ${testNow})`;
  const agent = await makePerson(database, { name: 'Anton Agent', email: `agent-${tag}@${domain}` });
  const administrator = await makePerson(database, { name: 'Ada Agent Admin', email: `admin-${tag}@${domain}` });
  await giveRole(database, agent, 'agent', agentId);
  await giveRole(database, administrator, 'agent-administrator', agentId);
  return { agentId, agent, administrator };
}

export interface TestSchool {
  readonly schoolId: string;
  readonly name: string;
  /** One person for each role. */
  readonly people: { readonly [role in SchoolRole]: TestPerson };
  readonly siteIds: readonly string[];
}

/**
 * A school with one person for each role, two sites, and, with `agentId`, that agent's prospect row. It is trusted
 * unless `trust` says otherwise.
 */
export async function makeSchool(
  database: TestDatabase,
  { name, trust = 'trusted', agentId }: { name?: string; trust?: TrustState; agentId?: string } = {},
): Promise<TestSchool> {
  const tag = next();
  const schoolId = newId();
  const title = name ?? `School ${tag}`;
  const { admin } = database;
  await admin`insert into organisation (id, kind, name, country) values (${schoolId}, 'school', ${title}, 'NL')`;
  await admin`
    insert into school (id, name, register, register_number, country, time_zone, trust, trust_ground, trusted_at)
    values (${schoolId}, ${title}, 'BRIN', ${tag}, 'NL', 'Europe/Amsterdam', ${trust},
            ${trust === 'trusted' ? 'operator-review' : null}, ${trust === 'trusted' ? testNow : null})`;
  const siteIds = [newId(), newId()];
  for (const [index, siteId] of siteIds.entries()) {
    await admin`insert into site (id, school_id, name) values (${siteId}, ${schoolId}, ${`Site ${index + 1}`})`;
  }
  const withRole = async (role: SchoolRole, personName: string) => {
    const person = await makePerson(database, { name: personName, email: `${role}-${tag}@school-${tag}.example` });
    await giveRole(database, person, role, schoolId);
    return person;
  };
  const people = {
    'school-administrator': await withRole('school-administrator', 'Sanne Schooladmin'),
    signatory: await withRole('signatory', 'Simon Signatory'),
    approver: await withRole('approver', 'Petra Approver'),
    'technical-contact': await withRole('technical-contact', 'Tom Technical'),
  };
  if (agentId !== undefined) {
    await admin`
      insert into prospect (id, agent_id, school_id, name, register, register_number, country, time_zone, sites, contacts, created_by)
      values (${newId()}, ${agentId}, ${schoolId}, ${title}, 'BRIN', ${tag}, 'NL', 'Europe/Amsterdam', '[]', '[]', ${people['school-administrator'].userId})`;
  }
  return { schoolId, name: title, people, siteIds };
}

/** An agreement of a school, in force unless `state` says otherwise; `agentId` null is the operator's standard one. */
export async function makeAgreement(
  database: TestDatabase,
  school: TestSchool,
  { agentId = null, state = 'in-force' }: { agentId?: string | null; state?: AgreementState } = {},
): Promise<string> {
  const [templateId, agreementId] = [newId(), newId()];
  const drafter = school.people.signatory.userId;
  await database.admin`
    insert into agreement_template (id, agent_id, name, body, data_processing_terms)
    values (${templateId}, ${agentId}, 'Standard', 'Agreement with {{school}}', 'Terms')`;
  await database.admin`
    insert into agreement (id, school_id, agent_id, template_id, state, term_start, term_end, products, body, data_processing_terms, drafted_by,
                           in_force_at)
    values (${agreementId}, ${school.schoolId}, ${agentId}, ${templateId}, ${state}, '2025-08-01', '2028-07-31', ${['all']},
            'Agreement', 'Terms', ${drafter}, ${state === 'in-force' ? testNow : null})`;
  return agreementId;
}

const keyrings = new WeakMap<TestDatabase, Promise<Keyring>>();

function keyringOf(database: TestDatabase): Promise<Keyring> {
  const known =
    keyrings.get(database) ?? loadKeyring(database.web, { masterKeys: [{ id: '1', base64: database.masterKey }] });
  keyrings.set(database, known);
  return known;
}

interface ContextOptions {
  readonly clock?: Clock;
}

/** The context of any actor at all. */
export async function contextOf(
  database: TestDatabase,
  actor: Actor,
  { clock = fixedClock(testNow) }: ContextOptions = {},
): Promise<Context> {
  const keyring = await keyringOf(database);
  return { actor, database: database.web, clock, keyring, baseUrl: 'http://localhost:3000', requestId: newId() };
}

/**
 * The context of a person who signed in just now, with the roles that he has at this moment, read as a request would
 * read them. `assurance: 'password-ok'` is before the second factor.
 */
export async function contextFor(
  database: TestDatabase,
  person: TestPerson,
  { clock = fixedClock(testNow), assurance = 'full' }: ContextOptions & { assurance?: 'password-ok' | 'full' } = {},
): Promise<Context> {
  const { token, hash } = newToken();
  const now = clock.now();
  const expires = new Date(now.getTime() + 7 * 86_400_000);
  await database.admin`
    insert into session (id, user_id, token_hash, state, created_at, last_seen_at, expires_at)
    values (${newId()}, ${person.userId}, ${hash}, ${assurance}, ${now}, ${now}, ${expires})`;
  return contextOf(database, await actorOfSession(database.web, token, now), { clock });
}

/** The context of somebody who has not signed in. */
export const nobody = (database: TestDatabase, options: ContextOptions = {}) =>
  contextOf(database, { kind: 'anonymous' }, options);

/** The context of a job's step. */
export const jobContext = (database: TestDatabase, job = 'test-job', options: ContextOptions = {}) =>
  contextOf(database, { kind: 'job', job, runId: newId() }, options);

/** The context of start-up, seed and command line. */
export const systemContext = (database: TestDatabase, options: ContextOptions = {}) =>
  contextOf(database, { kind: 'system', reason: 'test' }, options);
