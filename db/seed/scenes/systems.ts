import { z } from 'zod';
import type { SystemKind } from '#db/schema/vocabulary.ts';
import { approveRequest } from '#server/features/connections/approve-request.ts';
import { decisionPage } from '#server/features/connections/decision-page.ts';
import { draftRequest } from '#server/features/connections/draft-request.ts';
import { enterCredential } from '#server/features/connections/enter-credential.ts';
import { finishConsent } from '#server/features/connections/finish-consent.ts';
import { inbox } from '#server/features/connections/inbox.ts';
import { pair } from '#server/features/connections/pair.ts';
import { schoolGraph } from '#server/features/connections/school-graph.ts';
import { sendPairingLink } from '#server/features/connections/send-pairing-link.ts';
import { sendRequest } from '#server/features/connections/send-request.ts';
import { startConsent } from '#server/features/connections/start-consent.ts';
import { requestSync } from '#server/features/sync/request-sync.ts';
import { syncProgress } from '#server/features/sync/sync-progress.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { enterAddress } from '#server/features/systems/enter-address.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { type Cast, until } from '../persons.ts';
import type { Agency } from './schools.ts';

/** A school's people who matter for a connection, by address. */
export interface School {
  readonly schoolId: string;
  readonly administrator: string;
  readonly approver: string;
  readonly technicalContact: string;
}

interface Ask {
  readonly kind: SystemKind;
  readonly product: string;
  readonly name: string;
  readonly settings: Record<string, string>;
  readonly purpose: string;
}

const rosterScopes = [
  { scope: 'roster.subjects', required: true },
  { scope: 'roster.groups', required: true },
  { scope: 'roster.streams', required: false },
] as const;

/** The agent adds a system and asks; the school's technical contact enters the address. */
async function ask(cast: Cast, { agentId, agent, administrator }: Agency, school: School, wanted: Ask) {
  const { schoolId } = school;
  const { kind, product, name, settings, purpose } = wanted;
  const { systemId } = await addSystem({
    ctx: await cast.as(agent),
    input: { schoolId, agentId, kind, product, name },
  });
  const { requestId } = await draftRequest({
    ctx: await cast.as(agent),
    input: {
      schoolId,
      agentId,
      systemId,
      purpose,
      scopes: kind === 'sis' ? [...rosterScopes] : [{ scope: 'lms.courses', required: true }],
    },
  });
  await sendRequest({ ctx: await cast.as(administrator), input: { schoolId, agentId, requestId } });
  await enterAddress({ ctx: await cast.as(school.technicalContact), input: { schoolId, systemId, settings } });
  return { systemId, requestId };
}

async function approve(cast: Cast, { schoolId, approver }: School, requestId: string): Promise<void> {
  const ctx = await cast.as(approver);
  const { fingerprint } = await decisionPage({ ctx, input: { schoolId, requestId } });
  await approveRequest({ ctx, input: { schoolId, requestId, fingerprint } });
}

/** Waits until the newest run of a system is over, and says how it ended. */
async function runEnded(cast: Cast, { schoolId, administrator }: School, systemId: string): Promise<string> {
  return until('a sync', async () => {
    const progress = await syncProgress({ ctx: await cast.as(administrator), input: { schoolId } });
    const state = progress.find((entry) => entry.systemId === systemId)?.run?.state;
    return state === undefined || state === 'queued' || state === 'running' ? undefined : state;
  });
}

async function live(cast: Cast, school: School, systemId: string): Promise<void> {
  const state = await runEnded(cast, school, systemId);
  if (state !== 'succeeded') throw new CrosswalkError('internal', { details: { problem: 'demo-sync', state } });
}

interface SisPlace {
  readonly sisUrl: string;
  readonly slug: string;
}

const sisAsk = ({ sisUrl, slug }: SisPlace): Ask => ({
  kind: 'sis',
  product: 'oneroster-1.2',
  name: 'Registra',
  settings: {
    baseUrl: `${sisUrl}/${slug}/ims/oneroster/rostering/v1p2`,
    tokenUrl: `${sisUrl}/${slug}/oauth/token`,
  },
  purpose: 'To show teachers the right materials for each of their groups, and to know which licences are needed.',
});

/** Asks for the SIS and leaves the decision open. */
export async function askForSis(cast: Cast, agency: Agency, school: School, place: SisPlace): Promise<void> {
  await ask(cast, agency, school, sisAsk(place));
}

/** Marketplace → SIS, from the request to the first data. */
export async function connectSis(cast: Cast, agency: Agency, school: School, place: SisPlace) {
  const { schoolId } = school;
  const { systemId, requestId } = await ask(cast, agency, school, sisAsk(place));
  await approve(cast, school, requestId);
  await enterCredential({
    ctx: await cast.as(school.technicalContact),
    input: {
      schoolId,
      systemId,
      secret: { clientId: `crosswalk-${place.slug}`, clientSecret: `registra-${place.slug}-demo-secret` },
    },
  });
  await live(cast, school, systemId);
  return { systemId };
}

/** Over there the SIS's administrator deletes our client; the next run finds out. */
export async function loseClient(
  cast: Cast,
  school: School,
  place: SisPlace & { readonly systemId: string },
): Promise<void> {
  const { sisUrl, slug, systemId } = place;
  await control(`${sisUrl}/_sandbox/schools/${slug}/clients/crosswalk-${slug}`, 'DELETE');
  await requestSync({ ctx: await cast.as(school.administrator), input: { schoolId: school.schoolId, systemId } });
  const state = await runEnded(cast, school, systemId);
  if (state !== 'failed') throw new CrosswalkError('internal', { details: { problem: 'demo-sync', state } });
}

/** Marketplace → Moodle: a token of its service. */
export async function connectMoodle(
  cast: Cast,
  agency: Agency,
  school: School,
  place: { moodleUrl: string; slug: string },
) {
  const { schoolId } = school;
  const { systemId, requestId } = await ask(cast, agency, school, {
    kind: 'lms',
    product: 'moodle',
    name: 'Moodle',
    settings: { baseUrl: place.moodleUrl },
    purpose: 'To place materials in the right course.',
  });
  await approve(cast, school, requestId);
  const answer = await control(`${place.moodleUrl}/_sandbox/tokens`, 'POST', {
    service: 'crosswalk',
    username: 'moodle-service',
  });
  const { token } = z.object({ token: z.string() }).parse(answer);
  await enterCredential({
    ctx: await cast.as(school.technicalContact),
    input: { schoolId, systemId, secret: { token } },
  });
  await live(cast, school, systemId);
}

const peopleScopes = [
  ...rosterScopes,
  { scope: 'roster.classes', required: true },
  { scope: 'roster.teachers', required: true },
  { scope: 'roster.students', required: true },
] as const;

/**
 * LMS → SIS: the school sends a link to the LMS's administrator, he asks on the pairing page, the approver releases, and he enters
 * in his LMS what he was given. It pulls once the pages are up.
 */
export async function connectAtrium(
  cast: Cast,
  school: School,
  place: { pullerUrl: string; sisId: string; schoolName: string; lmsAdministrator: { name: string; email: string } },
): Promise<void> {
  const { schoolId } = school;
  const { pullerUrl, sisId, schoolName, lmsAdministrator } = place;
  await sendPairingLink({
    ctx: await cast.as(school.administrator),
    input: { schoolId, systemId: sisId, ...lmsAdministrator },
  });
  const issued = await pair({
    ctx: await cast.asHolder(lmsAdministrator.email, 'pair'),
    input: {
      lms: 'Atrium',
      address: pullerUrl,
      ...lmsAdministrator,
      scopes: [...peopleScopes],
      purpose: 'So that teachers and students find their groups in Atrium on the first day.',
    },
  });
  const { items } = await inbox({ ctx: await cast.as(school.approver), input: { schoolId } });
  const asked = items.find(({ requestId }) => requestId !== null);
  if (asked?.requestId === null || asked === undefined)
    throw new CrosswalkError('internal', { details: { problem: 'demo-pairing' } });
  await approve(cast, school, asked.requestId);
  const { connectionId } = asked;
  await until('the roster for Atrium', async () => {
    const { edges } = await schoolGraph({ ctx: await cast.as(school.administrator), input: { schoolId } });
    return edges.find((edge) => edge.connectionId === connectionId && edge.state === 'live');
  });
  await control(`${pullerUrl}/_sandbox/sources`, 'POST', {
    name: schoolName,
    baseUrl: issued.rosterUrl,
    tokenUrl: issued.tokenUrl,
    clientId: issued.clientId,
    clientSecret: issued.clientSecret,
  });
}

const atriumSources = z.object({ sources: z.array(z.object({ id: z.string(), lastPull: z.unknown() })) });

/** Atrium's administrator presses Pull for each school of which nothing was asked yet. */
export async function letAtriumPull(pullerUrl: string): Promise<void> {
  const { sources } = atriumSources.parse(await control(`${pullerUrl}/_sandbox/sources`, 'GET'));
  for (const { id, lastPull } of sources)
    if (lastPull === null) await control(`${pullerUrl}/_sandbox/sources/${id}/pull`, 'POST');
}

const developerKeys = z.object({
  keys: z.array(z.object({ id: z.string(), name: z.string(), scopes: z.array(z.string()) })),
});

/** Marketplace → Canvas: the developer key of its administrator, then his consent in the browser. */
export async function connectCanvas(
  cast: Cast,
  agency: Agency,
  school: School,
  place: { canvasUrl: string; slug: string; baseUrl: string },
) {
  const { schoolId } = school;
  const { canvasUrl, slug, baseUrl } = place;
  const { systemId, requestId } = await ask(cast, agency, school, {
    kind: 'lms',
    product: 'canvas',
    name: 'Canvas',
    settings: { baseUrl: canvasUrl },
    purpose: 'To place materials in the right course.',
  });
  await approve(cast, school, requestId);
  const [demoKey] = developerKeys.parse(await control(`${canvasUrl}/_sandbox/keys`, 'GET')).keys;
  if (demoKey === undefined) throw new CrosswalkError('internal', { details: { problem: 'demo-canvas-key' } });
  const clientSecret = `canvas-${slug}-demo-secret`;
  await control(`${canvasUrl}/_sandbox/keys`, 'POST', {
    id: demoKey.id,
    name: demoKey.name,
    secret: clientSecret,
    scopes: demoKey.scopes,
    redirectUris: [`${baseUrl}/oauth/canvas/callback`],
  });
  const ctx = await cast.as(school.technicalContact);
  await enterCredential({ ctx, input: { schoolId, systemId, secret: { clientId: demoKey.id, clientSecret } } });
  const { url } = await startConsent({ ctx, input: { schoolId, systemId } });
  const answer = await consentAtCanvas(canvasUrl, url);
  await finishConsent({ ctx, input: answer });
  await live(cast, school, systemId);
}

/** What the administrator does in his browser: signs in, sees what is asked, says yes. */
async function consentAtCanvas(canvasUrl: string, url: string): Promise<{ state: string; code: string }> {
  const jar = new Map<string, string>();
  const browse = async (address: string, form?: Record<string, string>): Promise<Response> => {
    const response = await fetch(address, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '), origin: canvasUrl },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (name !== undefined && value !== undefined) jar.set(name, value);
    }
    return response;
  };
  await browse(`${canvasUrl}/login/canvas`, { unique_id: 'canvas-admin', password: 'canvas-demo', back: '/' });
  const page = await (await browse(url)).text();
  const [, request = ''] = /name="request" value="([^"]+)"/.exec(page) ?? [];
  const answered = await browse(`${canvasUrl}/login/oauth2/accept`, { request });
  const back = new URL(answered.headers.get('location') ?? '', canvasUrl).searchParams;
  return { state: back.get('state') ?? '', code: back.get('code') ?? '' };
}

/** The sandbox's own controls, which no product has. */
async function control(url: string, method: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok)
    throw new CrosswalkError('internal', { details: { problem: 'demo-sandbox', status: response.status } });
  const text = await response.text();
  return text === '' ? null : JSON.parse(text);
}
