import { Authenticator } from '../fixtures/authenticator.ts';
import { seen } from '../fixtures/look.ts';
import { mailedLink } from '../fixtures/mail.ts';
import { type Person, refusal } from '../fixtures/person.ts';
import { addressOf, everyRoute } from '../fixtures/routes.ts';
import {
  bringAgency,
  inviteColleague,
  requestSent,
  schoolInForce,
  schoolWithAgreementSent,
  sisWanted,
} from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

const forbiddenOrUnknown = 'There is no such page';

/** What an address answers to this person says that there is no such page, and nothing else. */
async function expectRefused(person: Person, address: string, secret: string): Promise<void> {
  const answer = await person.context.request.get(address);
  expect([403, 404], `${person.name} at ${address}`).toContain(answer.status());
  const body = await answer.text();
  expect(body, `${person.name} at ${address}`).toContain(forbiddenOrUnknown);
  expect(body, `${person.name} at ${address}`).not.toContain(secret);
}

/** Everything in a portal by its address, with true ids of somebody else: each answer is read, and one page looked at. */
async function refusedEverywhere(person: Person, portal: string, ids: Record<string, string>, secret: string) {
  const addresses = everyRoute()
    .filter((route) => route.startsWith(portal))
    .flatMap((route) => addressOf(route, ids) ?? []);
  expect(addresses.length).toBeGreaterThan(3);
  for (const address of addresses) await expectRefused(person, address, secret);
  const page = await person.open(addresses.at(-1) ?? '');
  await expect(page.getByRole('heading', { level: 1 }), person.name).toHaveText(forbiddenOrUnknown);
  await expect(page.locator('body'), person.name).not.toContainText(secret);
}

test('the pages of a school are closed to another school, to an agent and to the operator', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const { systemId, requestId, connectionId } = await requestSent(school, sisWanted(sis));
  const other = await schoolInForce(cast, operator, agency);
  const { schoolId, agreementId } = school;
  const ids = { schoolId, agreementId, systemId, requestId, connectionId };
  for (const person of [other.administrator, agency.agent, operator]) {
    await refusedEverywhere(person, '/school/', ids, school.name);
  }
  await seen(other.administrator.page, 'forbidden');

  // His own address with what belongs to others in it.
  const mixed = { ...ids, schoolId: other.schoolId };
  const page = other.administrator.page;
  for (const route of everyRoute().filter((one) => /^\/school\/\[schoolId\]\/\w+\/\[/.test(one))) {
    const address = addressOf(route, mixed);
    if (address === null) continue;
    // In his own portal a page may come and then find nothing: what he sees counts.
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1 }), route).toHaveText(forbiddenOrUnknown);
  }
});

test('an agent’s pages are closed to another agent, to a school and to the operator', async ({
  cast,
  agency,
  operator,
}) => {
  const school = await schoolWithAgreementSent(cast, agency);
  const other = await bringAgency(cast, operator);
  await school.administrator.acceptInvitationQuietly();
  const { schoolId, agreementId } = school;
  const ids = { agentId: agency.agentId, schoolId, agreementId };
  for (const person of [other.administrator, school.administrator, operator]) {
    await refusedEverywhere(person, '/agent/', ids, school.name);
  }
});

test('the operator’s pages are closed to agents and schools', async ({ cast, agency }) => {
  const school = await schoolWithAgreementSent(cast, agency);
  await school.administrator.acceptInvitationQuietly();
  const { schoolId, agreementId } = school;
  const ids = { agentId: agency.agentId, schoolId, agreementId };
  for (const person of [agency.administrator, school.administrator]) {
    await refusedEverywhere(person, '/operator', ids, 'Boekhuis Noord');
  }
});

test('with a password alone, where a second factor is wanted, no page and no procedure answers', async ({
  cast,
  agency,
}) => {
  const karel = await inviteColleague(cast, agency);
  await karel.acceptInvitationQuietly();
  const { secret } = await karel.api.people.beginTotp.mutate({});
  await karel.api.people.confirmTotp.mutate({ code: new Authenticator(secret.replaceAll(' ', '')).code() });
  const half = await cast.person(karel.name, karel.email);
  const page = await half.open('/sign-in');
  await half.fillSignIn(page);
  await expect(page.getByRole('heading', { name: 'Your second factor' })).toBeVisible();
  for (const route of everyRoute().filter((one) => one.startsWith('/agent/[agentId]'))) {
    const address = addressOf(route, { agentId: agency.agentId });
    if (address === null) continue;
    await page.goto(address);
    await expect(page.getByRole('heading', { name: 'Your second factor' }), route).toBeVisible();
  }
  const { agentId } = agency;
  expect(await refusal(half.api.schools.listPipeline.query({ agentId }))).toBe('second-factor-needed');
  expect(await refusal(half.api.people.listAgentMembers.query({ agentId }))).toBe('second-factor-needed');
});

test('procedures refuse who has no right to them, called from a page’s own session', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const other = await schoolInForce(cast, operator, agency);
  const { requestId, systemId } = await requestSent(school, sisWanted(sis));
  const { schoolId } = school;
  const stranger = other.administrator.api;
  const agent = agency.administrator.api;
  const { fingerprint } = await school.administrator.api.connections.decisionPage.query({ schoolId, requestId });
  const calls: Record<string, () => Promise<unknown>> = {
    'another school reads the graph': () => stranger.connections.schoolGraph.query({ schoolId }),
    'another school decides': () => stranger.connections.approveRequest.mutate({ schoolId, requestId, fingerprint }),
    'another school stops everything': () => stranger.connections.stopEverything.mutate({ schoolId }),
    'the agent decides': () => agent.connections.approveRequest.mutate({ schoolId, requestId, fingerprint }),
    'the agent enters a credential': () => agent.connections.enterCredential.mutate({ schoolId, systemId, secret: {} }),
    'the agent reads the calls': () => agent.sync.calls.query({ schoolId, systemId }),
    'the operator decides': () => operator.api.connections.approveRequest.mutate({ schoolId, requestId, fingerprint }),
    'a school lists the schools': () => stranger.schools.listSchools.query({}),
    'an agent trusts a school': () => agent.schools.reviewTrust.mutate({ schoolId, decision: 'trust', userIds: [] }),
  };
  for (const [what, call] of Object.entries(calls)) {
    expect(['forbidden', 'not-found'], what).toContain(await refusal(call()));
  }
  const page = await other.administrator.open(other.home);
  const status = await page.evaluate(async (id) => {
    const input = encodeURIComponent(JSON.stringify({ json: { schoolId: id } }));
    return (await fetch(`/api/trpc/connections.schoolGraph?input=${input}`)).status;
  }, schoolId);
  expect(status, 'from the console of another school’s browser').toBe(403);
});

test('a school without an agreement in force, or not confirmed, is asked for nothing', async ({
  cast,
  agency,
  operator,
}) => {
  const school = await schoolWithAgreementSent(cast, agency);
  const { schoolId } = school;
  const { agentId } = agency;
  expect(
    await refusal(
      agency.agent.api.systems.add.mutate({
        schoolId,
        agentId,
        kind: 'sis',
        product: 'oneroster-1.2',
        name: 'Registra',
      }),
    ),
  ).not.toBe('answered');
  const page = await agency.agent.open(`/agent/${agentId}/schools/${schoolId}`);
  await expect(page.getByText('Connections can be asked for once the agreement is in force.')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Ask for a connection' })).toHaveCount(0);
  await operator.open('/account');
});

test('an invitation that was withdrawn, or is for somebody else, makes nobody a member', async ({ cast, agency }) => {
  const karel = await inviteColleague(cast, agency);
  const link = await mailedLink(karel.context.request, karel.email, 'invitation');
  const page = await agency.agent.open(link);
  await expect(page.getByText(/Sign out, then open the invitation again\./)).toBeVisible();
  await seen(page, 'invitation-for-another');
  const { invitations } = await agency.administrator.api.people.listAgentMembers.query({ agentId: agency.agentId });
  const open = invitations.find(({ email }) => email === karel.email);
  await agency.administrator.api.people.withdrawAgentInvitation.mutate({
    agentId: agency.agentId,
    invitationId: open?.id ?? '',
  });
  const mine = await karel.open(link);
  await expect(mine.getByRole('heading', { level: 1 })).toHaveText('This invitation does not work any more');
  await expect(mine.getByText('It was withdrawn')).toBeVisible();
});
