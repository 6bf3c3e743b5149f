/** What one look at a set-up found. `wrong` must be mended, `warning` should be, `skipped` could not be looked at and says why. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'wrong' | 'skipped';
  /** One sentence; where something is wrong it says what to do. Never a secret or a person. */
  readonly sentence: string;
}

type Look = Promise<readonly Finding[]> | readonly Finding[];

const of =
  (state: Finding['state']) =>
  (check: string, sentence: string): Finding => ({ check, state, sentence });
export const ok = of('ok');
export const warning = of('warning');
export const wrong = of('wrong');
export const skipped = of('skipped');

/** A look that itself breaks is a finding like any other. */
export async function look(check: string, take: () => Look): Promise<readonly Finding[]> {
  try {
    return await take();
  } catch (error) {
    const code =
      error instanceof Error && 'code' in error ? String(error.code) : error instanceof Error ? error.name : 'unknown';
    return [
      wrong(check, `This could not be looked at (${code}): run npm run doctor again, and report it if it stays.`),
    ];
  }
}
