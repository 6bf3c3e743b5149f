import { eq } from 'drizzle-orm';
import type { Database } from '#db/client.ts';
import { installation } from '#db/schema/index.ts';
import type { Environment } from '#server/kernel/env.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { Cast, demoPassword, type Stage } from './persons.ts';
import { bringAgent, bringOperator } from './scenes/marketplace.ts';
import { addProspect, comeAboard, joinSchool } from './scenes/schools.ts';
import {
  askForSis,
  connectAtrium,
  connectCanvas,
  connectMoodle,
  connectSis,
  letAtriumPull,
  loseClient,
} from './scenes/systems.ts';

export interface DemoAccount {
  readonly person: string;
  readonly email: string;
  readonly password: string;
  /** What to do first as this person; empty where there is nothing particular. */
  readonly tryFirst: string;
}

interface Person {
  readonly name: string;
  readonly email: string;
}

const people = {
  operator: { name: 'Olivia Bakker', email: 'olivia@schoolwijs.example' },
  agentAdministrator: { name: 'Anna de Wit', email: 'anna@boekhuisnoord.example' },
  agent: { name: 'Bram Kok', email: 'bram@boekhuisnoord.example' },
  lindenhof: {
    administrator: { name: 'Saskia van den Berg', email: 'saskia@lindenhof.example' },
    approver: { name: 'Thomas Öztürk', email: 'thomas@lindenhof.example' },
    technicalContact: { name: 'Iris Jansen', email: 'iris@lindenhof.example' },
    lmsAdministrator: { name: 'Noor Smit', email: 'noor@lindenhof.example' },
  },
  brackenfield: { name: 'Helen Marsh', email: 'helen@brackenfield.example' },
  waterkant: { name: 'Daan Visser', email: 'daan@waterkant.example' },
} as const satisfies Record<string, Person | Record<string, Person>>;

/** Whom to sign in as, and why. */
const demoAccounts: readonly DemoAccount[] = [
  account(
    people.lindenhof.administrator,
    'administrator of Lindenhof Schools, where everything is live',
    'the graph of a school that is live on all three legs, and what was asked of its SIS',
  ),
  account(people.lindenhof.approver, 'approver of Lindenhof Schools'),
  account(people.lindenhof.technicalContact, 'technical contact of Lindenhof Schools'),
  account(
    people.brackenfield,
    'administrator and approver of Brackenfield Academy',
    'a request that waits for a decision',
  ),
  account(people.waterkant, 'administrator of Waterkant College', 'a SIS that has just refused its credentials'),
  account(people.agent, 'sales agent of Boekhuis Noord', 'the pipeline; Cedar Valley is still a prospect'),
  account(people.agentAdministrator, 'agent administrator of Boekhuis Noord'),
  account(people.operator, 'operator of the marketplace', 'health, jobs and the audit trail'),
];

function account({ name, email }: Person, role: string, tryFirst = ''): DemoAccount {
  return {
    person: `${name}, ${role}`,
    email,
    password: demoPassword,
    tryFirst: tryFirst === '' ? '' : `${email}: ${tryFirst}`,
  };
}

/** The demo's story, told by its people through the product's own verbs; mails and syncs go through the worker. */
async function tellDemo(stage: DemoStage, say: (text: string) => void): Promise<void> {
  const { sisUrl, canvasUrl, moodleUrl, pullerUrl } = stage.env.sandbox;
  if (sisUrl === null || canvasUrl === null || moodleUrl === null || pullerUrl === null) {
    throw new CrosswalkError('misconfigured', { details: { problem: 'sandbox-missing' } });
  }
  const cast = new Cast(stage);
  say('Making the demo: the marketplace and its agent …');
  const marketplace = await bringOperator(cast, stage, people.operator);
  const { agentId } = await bringAgent(cast, marketplace, {
    name: 'Boekhuis Noord',
    country: 'NL',
    emailDomains: ['boekhuisnoord.example'],
    administrator: people.agentAdministrator,
    agent: people.agent,
  });
  const agency = { agentId, agent: people.agent.email, administrator: people.agentAdministrator.email, ...marketplace };

  say('Making the demo: Lindenhof Schools, live …');
  const lindenhof = await comeAboard(cast, agency, {
    name: 'Lindenhof Schools',
    register: 'BRIN',
    registerNumber: '14LH',
    country: 'NL',
    timeZone: 'Europe/Amsterdam',
    sites: ['Lindenhof Noord', 'Lindenhof Zuid', 'Lindenhof Havenkade'],
    signatory: people.lindenhof.administrator,
    alone: false,
  });
  await joinSchool(cast, lindenhof, people.lindenhof.approver, ['approver']);
  await joinSchool(cast, lindenhof, people.lindenhof.technicalContact, ['technical-contact']);
  const trio = {
    ...lindenhof,
    approver: people.lindenhof.approver.email,
    technicalContact: people.lindenhof.technicalContact.email,
  };
  const { systemId: sisId } = await connectSis(cast, agency, trio, { sisUrl, slug: 'lindenhof' });
  await connectCanvas(cast, agency, trio, { canvasUrl, slug: 'lindenhof', baseUrl: stage.baseUrl });
  await connectMoodle(cast, agency, trio, { moodleUrl, slug: 'lindenhof' });
  await connectAtrium(cast, trio, {
    pullerUrl,
    sisId,
    schoolName: 'Lindenhof Schools',
    lmsAdministrator: people.lindenhof.lmsAdministrator,
  });

  say('Making the demo: a request that waits, a credential that fails, a prospect …');
  const brackenfield = await comeAboard(cast, agency, {
    name: 'Brackenfield Academy',
    register: 'URN',
    registerNumber: '148213',
    country: 'GB',
    timeZone: 'Europe/London',
    sites: ['Brackenfield Lower', 'Brackenfield Upper'],
    signatory: people.brackenfield,
    alone: true,
  });
  await askForSis(cast, agency, alone(brackenfield, people.brackenfield), { sisUrl, slug: 'brackenfield' });

  const waterkant = await comeAboard(cast, agency, {
    name: 'Waterkant College',
    register: 'BRIN',
    registerNumber: '09WK',
    country: 'NL',
    timeZone: 'Europe/Amsterdam',
    sites: ['Waterkant College'],
    signatory: people.waterkant,
    alone: true,
  });
  const { systemId } = await connectSis(cast, agency, alone(waterkant, people.waterkant), {
    sisUrl,
    slug: 'waterkant',
  });
  await loseClient(cast, alone(waterkant, people.waterkant), { sisUrl, slug: 'waterkant', systemId });

  await addProspect(cast, agency, {
    name: 'Cedar Valley School District',
    register: 'NCES',
    registerNumber: '5301190',
    country: 'US',
    timeZone: 'America/Los_Angeles',
    sites: ['Cedar Valley High School', 'Alder Creek Middle School'],
    contact: { name: 'Maria Delgado', email: 'maria.delgado@cedarvalley.example' },
  });
}

/** A school where one person holds every role. */
function alone(school: { schoolId: string }, person: Person) {
  return {
    schoolId: school.schoolId,
    administrator: person.email,
    approver: person.email,
    technicalContact: person.email,
  };
}

/** What can only be done once the pages are up: the LMS that pulls asks for its roster. */
export async function afterStart({ sandbox }: Environment): Promise<void> {
  if (sandbox.pullerUrl !== null) await letAtriumPull(sandbox.pullerUrl);
}

export interface DemoStage extends Stage {
  readonly env: Environment;
  readonly database: Database;
}

const progressKey = 'demo';

/** Whether the demo is `made`, was interrupted while `making`, or not begun (null). */
async function demoProgress(database: Database): Promise<unknown> {
  return database.withoutSchool(async (tx) => {
    const row = await tx.query.installation.findFirst({ where: eq(installation.key, progressKey) });
    return row?.value ?? null;
  });
}

/** Makes the demo once. The worker must run: mails and syncs are part of the story. */
export async function seedDemo(stage: DemoStage, say: (text: string) => void): Promise<readonly DemoAccount[]> {
  if ((await demoProgress(stage.database)) === 'made') return demoAccounts;
  const note = (value: 'making' | 'made') =>
    stage.database.withoutSchool((tx) =>
      tx
        .insert(installation)
        .values({ key: progressKey, value, updatedAt: new Date() })
        .onConflictDoUpdate({ target: installation.key, set: { value, updatedAt: new Date() } }),
    );
  await note('making');
  await tellDemo(stage, say);
  await note('made');
  return demoAccounts;
}
