import { addressOf, everyRoute } from '../fixtures/routes.ts';
import { newTag } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

/** Pages that are for everybody, or for whoever holds a link; all others want somebody who has signed in. */
const open = (route: string) =>
  route === '/' ||
  route === '/sign-out' ||
  /^\/(sign-in|register|reset-password|invitation|connect|pair|dev)(\/|$)/.test(route);

const noSuch = '01900000-0000-7000-8000-000000000000';
const unknown = new Proxy<Record<string, string>>({}, { get: () => noSuch });

test('nobody who has not signed in sees any page of a portal', async ({ page }) => {
  const routes = everyRoute().filter((route) => !open(route));
  expect(routes.length).toBeGreaterThan(10);
  for (const route of routes) {
    const answer = await page.request.get(addressOf(route, unknown) ?? '', { maxRedirects: 0 });
    expect(answer.status(), route).toBe(307);
    expect(answer.headers().location, route).toMatch(/^\/sign-in\?/);
  }
  await page.goto(addressOf(routes[0] ?? '', unknown) ?? '');
  await expect(page).toHaveURL(/\/sign-in/);
});

test('the page that one wanted to see comes after signing in', async ({ operator, cast }) => {
  const again = await cast.person(operator.name, operator.email, operator.password);
  const page = await again.open('/account');
  await expect(page).toHaveURL(/\/sign-in\?next=%2Faccount/);
  await again.fillSignIn(page);
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible();
});

test('a page to go on with is taken from this product alone', async ({ operator, cast, baseURL }) => {
  const again = await cast.person(operator.name, operator.email, operator.password);
  const page = await again.open('/sign-in?next=https%3A%2F%2Felsewhere.example%2F');
  await again.fillSignIn(page);
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  expect(new URL(page.url()).origin).toBe(baseURL);
  await again.open('/sign-in?next=%2F%2Felsewhere.example%2F');
  expect(new URL(again.page.url()).origin).toBe(baseURL);
});

test('pages that do not exist say so, to everybody alike', async ({ page, operator }) => {
  for (const address of [`/nowhere-${newTag()}`, '/invitation/short', `/school/${noSuch}/nothing`]) {
    const answer = await page.goto(address);
    expect([200, 307, 404], address).toContain(answer?.status());
    await expect(page.getByRole('heading', { level: 1 }), address).toBeVisible();
  }
  const inside = await operator.open(`/nowhere-${newTag()}`);
  await expect(inside.getByRole('heading', { level: 1 })).toHaveText('There is no such page');
});
