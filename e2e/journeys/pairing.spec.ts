import { seen } from '../fixtures/look.ts';
import { openFromMail } from '../fixtures/mail.ts';
import { runEnded, schoolInForce, sisLive } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

test('an LMS is paired by its administrator, approved with a field left out, gets its token, and none any more once it is paused', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  test.setTimeout(180_000);
  const school = await schoolInForce(cast, operator, agency);
  const { systemId } = await sisLive(school, sis);
  const lea = await cast.person('Lea Lehmann', `lea@${school.domain}`);

  const sending = await school.administrator.open(`${school.home}/systems/${systemId}`);
  await sending.getByRole('button', { name: 'Send a pairing link' }).click();
  await sending.getByLabel('Name', { exact: true }).fill(lea.name);
  await sending.getByLabel('E-mail address').fill(lea.email);
  await seen(sending, 'system-send-pairing-link');
  await sending.getByRole('dialog').getByRole('button', { name: 'Send the link' }).click();
  await expect(sending.getByText(`Sent to ${lea.email}.`)).toBeVisible();

  const page = await lea.lookAt(
    await openFromMail(await lea.open('/'), lea.email, /invites your LMS/, 'Open the pairing page'),
  );
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Get the roster of ${school.name} from Registra`);
  await page.getByRole('button', { name: `Ask ${school.name}` }).click();
  await expect(page.getByText('Write its name.')).toBeVisible();
  await seen(page, 'pairing');
  await page.getByLabel('Its name').fill('Lernhaus');
  await page.getByLabel('Its address').fill('https://lernhaus.example');
  await page.getByLabel('Your e-mail address').fill(lea.email);
  await page.getByLabel('What for').fill('A course for every group');
  await page.getByRole('button', { name: `Ask ${school.name}` }).click();
  await expect(page.getByRole('heading', { name: 'Your request is with the school' })).toBeVisible();
  await seen(page, 'pairing-done');
  const [clientId = '', clientSecret = ''] = await page.locator('dd code').allTextContents();
  const token = async () => {
    const response = await page.request.post('/oauth/token', {
      form: { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
    });
    const answer: Record<string, string> = await response.json();
    return answer;
  };
  expect(await token()).toMatchObject({ error: 'unauthorized_client' });

  const graph = await school.administrator.api.connections.schoolGraph.query({ schoolId: school.schoolId });
  const edge = graph.edges.find(({ consumer }) => consumer.kind === 'lms');
  const decision = await school.administrator.open(`${school.home}/requests/${edge?.openRequest?.id}`);
  await expect(decision.getByText('lernhaus.example')).toBeVisible();
  await expect(decision.getByText('known after the first sync'), 'classes, teachers, students').toHaveCount(3);
  await decision.getByText('Leave out single fields').click();
  await decision.getByLabel('E-mail address of students').check();
  await seen(decision, 'decision-of-an-lms');
  await decision.getByRole('button', { name: 'Release this to Lernhaus' }).click();
  await expect(decision.getByText('released this').first()).toBeVisible();
  await runEnded(school, systemId);
  const connectionId = edge?.connectionId ?? '';
  await expect
    .poll(async () => {
      const { edges } = await school.administrator.api.connections.schoolGraph.query({ schoolId: school.schoolId });
      return edges.find((one) => one.connectionId === connectionId)?.state;
    })
    .toBe('live');
  const { access_token } = await token();
  const students = () =>
    page.request.get('/ims/oneroster/rostering/v1p2/students?limit=5', {
      headers: { authorization: `Bearer ${access_token}` },
    });
  const answered = await students();
  expect(answered.status()).toBe(200);
  expect(await answered.text()).not.toContain('"email"');

  const shown = await school.administrator.open(`${school.home}/connections/${connectionId}`);
  await expect(shown.getByRole('heading', { name: 'What Lernhaus asked for' })).toBeVisible();
  await expect(shown.getByText('/ims/oneroster/rostering/v1p2/students').first()).toBeVisible();
  await expect(shown.getByText(clientId)).toBeVisible();
  await expect(shown.getByText('E-mail address of students')).toBeVisible();
  await seen(shown, 'connection-of-an-lms');
  await seen(await school.administrator.open(school.home), 'school-home-with-an-lms-that-receives');
  await school.administrator.api.connections.pause.mutate({ schoolId: school.schoolId, connectionId });
  expect((await students()).status()).toBe(401);
});
