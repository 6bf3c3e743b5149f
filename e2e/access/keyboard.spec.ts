import { expect as check, type Page } from '@playwright/test';
import { seen } from '../fixtures/look.ts';
import { requestSent, schoolInForce, sisWanted } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

/** Who has the focus, as a screen reader names him. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const at = document.activeElement;
    if (at === null || at === document.body) return '';
    const label = at instanceof HTMLInputElement ? at.labels?.[0]?.textContent : null;
    return (at.getAttribute('aria-label') ?? label ?? at.textContent ?? '').trim();
  });

/** Tabs on until something of this name has the focus. */
async function tabTo(page: Page, name: RegExp, most = 60): Promise<void> {
  const passed: string[] = [];
  for (let count = 0; count < most; count += 1) {
    await page.keyboard.press('Tab');
    const here = await focused(page);
    if (name.test(here)) {
      await check(page.locator(':focus')).toBeInViewport();
      const outline = await page.locator(':focus').evaluate((element) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
        return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
      });
      check(outline, `the focus on ${here} is visible`).toBe(true);
      return;
    }
    passed.push(here);
  }
  throw new Error(`${name} is not reached by the keyboard; passed: ${passed.join(' | ')}`);
}

test('a request is found, read and decided with the keyboard alone', async ({ cast, agency, operator, sis }) => {
  const school = await schoolInForce(cast, operator, agency);
  await requestSent(school, sisWanted(sis));
  const page = await school.administrator.open(school.home);
  await expect(page.getByRole('link', { name: 'Review the request' }).first()).toBeVisible();

  await page.keyboard.press('Tab');
  expect(await focused(page)).toBe('Skip to content');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/#content$/);
  await tabTo(page, /Review the request/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/requests\//);
  await expect(page.getByRole('button', { name: /^Release this to/ })).toBeEnabled();

  await tabTo(page, /^streams/i);
  await page.keyboard.press('Space');
  await expect(page.getByRole('checkbox', { name: /^streams/i })).not.toBeChecked();
  await tabTo(page, /^Noord/);
  await page.keyboard.press('Space');
  await tabTo(page, /^Decline…/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  expect(await focused(page), 'the focus comes back to what opened the dialog').toBe('Decline…');
  await page.keyboard.press('Shift+Tab');
  expect(await focused(page)).toMatch(/^Release this to/);
  await page.keyboard.press('Enter');
  await expect(page.getByText(/released this/).first()).toBeVisible();
});

test('the command palette opens, finds and goes, without a mouse', async ({ cast, agency, operator }) => {
  const school = await schoolInForce(cast, operator, agency);
  const page = await school.administrator.open(school.home);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog');
  await expect(palette).toBeVisible();
  await seen(page, 'command-palette');
  await page.keyboard.type('nothing like this');
  await expect(palette.getByText('Nothing by that name.')).toBeVisible();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('agree');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/agreements$/);
  await page.keyboard.press('Control+k');
  await expect(palette).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(palette).toBeHidden();
});

test('appearance is chosen in the account menu with the keyboard, and kept', async ({ operator }) => {
  const page = await operator.open('/operator');
  await tabTo(page, /^Schoolwijs$/, 20);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menu')).toBeVisible();
  await seen(page, 'account-menu', '[role=menu]');
  await page.getByRole('menuitem', { name: 'Dark' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await operator.context.clearCookies({ name: 'crosswalk-theme' });
});
