import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeNext } from './safe-next.ts';

describe('where to go after signing in', () => {
  it.each(['/school/1', '/account?tab=sessions', '/invitation/abc#x'])('is %s', (next) => {
    expect(safeNext(next)).toBe(next);
  });

  it.each([
    null,
    undefined,
    '',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '/a b',
    '/\\/evil.example',
    ['/school/1'],
  ])('is the start for %j', (next) => {
    expect(safeNext(next)).toBe('/start');
  });

  it('never leaves this site, whatever is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `/${text}`),
          fc.webUrl(),
        ),
        (given) => {
          expect(new URL(safeNext(given), 'https://own.example').origin).toBe('https://own.example');
        },
      ),
    );
  });
});
