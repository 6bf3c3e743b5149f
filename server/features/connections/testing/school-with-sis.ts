import type { TestDatabase } from '#db/testing/test-database.ts';
import type { RunningSis } from '#sandbox/sis/server.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import type { Clock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import {
  contextFor,
  jobContext,
  makeAgent,
  makeAgreement,
  makeSchool,
  type TestAgent,
  type TestSchool,
} from '#server/testing/actors.ts';
import { approveRequest } from '../approve-request.ts';
import { decisionPage } from '../decision-page.ts';
import { draftRequest } from '../draft-request.ts';
import { enterCredential } from '../enter-credential.ts';
import { sendRequest } from '../send-request.ts';
import { onSyncSucceeded } from '../sync-outcome.ts';

/** A school with an agent and an agreement in force, and its people as contexts. */
export interface Scene {
  readonly database: TestDatabase;
  readonly school: TestSchool;
  readonly schoolId: string;
  readonly agent: TestAgent;
  readonly agreementId: string;
  readonly clock: Clock;
  as(who: 'agent' | 'agent-administrator' | keyof TestSchool['people']): Promise<Context>;
  job(): Promise<Context>;
}

export async function makeScene(database: TestDatabase, clock: Clock): Promise<Scene> {
  const agent = await makeAgent(database);
  const school = await makeSchool(database, { agentId: agent.agentId });
  const agreementId = await makeAgreement(database, school, { agentId: agent.agentId });
  return {
    database,
    school,
    schoolId: school.schoolId,
    agent,
    agreementId,
    clock,
    as: (who) => {
      const person =
        who === 'agent' ? agent.agent : who === 'agent-administrator' ? agent.administrator : school.people[who];
      return contextFor(database, person, { clock });
    },
    job: () => jobContext(database, 'test-job', { clock }),
  };
}

/** Typed-in settings and secret of the sandbox's SIS. */
export function sisEntry(sis: RunningSis, slug = 'lindenhof') {
  const provider = sis.school(slug);
  return {
    settings: { version: '1.2', baseUrl: provider.baseV1p2, tokenUrl: provider.tokenUrl },
    secret: { clientId: provider.client.clientId, clientSecret: provider.client.clientSecret },
  };
}

export const marketplaceScopes = [
  { scope: 'roster.subjects', required: true },
  { scope: 'roster.groups', required: true },
  { scope: 'roster.streams', required: false },
] as const;

/** A SIS that the school's technical contact added. */
export async function addSis(scene: Scene, settings: Record<string, string>): Promise<string> {
  const ctx = await scene.as('technical-contact');
  const { schoolId } = scene;
  const { systemId } = await addSystem({
    ctx,
    input: { schoolId, kind: 'sis', product: 'oneroster-1.2', name: 'Registra', settings },
  });
  return systemId;
}

/** A request of the agent, sent by its administrator. */
export async function askFor(scene: Scene, systemId: string, scopes = [...marketplaceScopes]) {
  const { schoolId } = scene;
  const { agentId } = scene.agent;
  const drafted = await draftRequest({
    ctx: await scene.as('agent'),
    input: { schoolId, agentId, systemId, scopes, purpose: 'To offer each group its books' },
  });
  await sendRequest({
    ctx: await scene.as('agent-administrator'),
    input: { schoolId, agentId, requestId: drafted.requestId },
  });
  return drafted;
}

/** The approver looks at the page and approves what it shows. */
export async function approve(
  scene: Scene,
  requestId: string,
  more: { sites?: string[]; withoutScopes?: ['roster.streams'] } = {},
) {
  const ctx = await scene.as('approver');
  const { schoolId } = scene;
  const { fingerprint } = await decisionPage({ ctx, input: { schoolId, requestId } });
  return approveRequest({ ctx, input: { schoolId, requestId, fingerprint, ...more } });
}

/** From nothing to a live connection. */
export async function goLive(scene: Scene, sis: RunningSis, slug?: string) {
  const entry = sisEntry(sis, slug);
  const systemId = await addSis(scene, entry.settings);
  const { requestId, connectionId } = await askFor(scene, systemId);
  await approve(scene, requestId);
  const { schoolId } = scene;
  const trial = await enterCredential({
    ctx: await scene.as('technical-contact'),
    input: { schoolId, systemId, secret: entry.secret },
  });
  await succeed(scene, systemId);
  return { systemId, requestId, connectionId, credentialId: trial.credentialId };
}

/** What the roster reports after a run that was applied. */
export async function succeed(scene: Scene, systemId: string): Promise<void> {
  const [run] = await scene.database.admin<{ id: string }[]>`
    select id from sync_run where system_id = ${systemId} order by created_at desc limit 1`;
  await scene.database.admin`update sync_run set state = 'succeeded' where system_id = ${systemId}`;
  await onSyncSucceeded(await scene.job(), {
    schoolId: scene.schoolId,
    systemId,
    syncRunId: run?.id ?? '',
    records: 321,
    at: scene.clock.now(),
  });
}

export interface Edge {
  readonly state: string;
  readonly turn: string;
  readonly cause: string;
  readonly paused_by: string | null;
  readonly ended_at: Date | null;
}

/** A connection's row as it stands. */
export async function edge(scene: Scene, connectionId: string): Promise<Edge> {
  const [row] = await scene.database.admin<Edge[]>`
    select state, turn, cause, paused_by, ended_at from connection where id = ${connectionId}`;
  if (row === undefined) throw new Error('no such connection');
  return row;
}

/** Templates of the mails to somebody, oldest first. */
export async function mailsTo(scene: Scene, email: string): Promise<string[]> {
  const rows = await scene.database.admin<{ template: string }[]>`
    select template from mail where to_address = ${email} order by id`;
  return rows.map(({ template }) => template);
}
