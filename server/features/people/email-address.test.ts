import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emailSchema, foldEmail } from './email-address.ts';

describe('folding of e-mail addresses', () => {
  it.each([
    ['Anna@Example.ORG', 'anna@example.org'],
    ['  anna@example.org ', 'anna@example.org'],
    ['ａｎｎａ@example.org', 'anna@example.org'],
    ['anna@BÜCHER.example', 'anna@xn--bcher-kva.example'],
    ['anna@xn--bcher-kva.example', 'anna@xn--bcher-kva.example'],
  ])('takes %s for %s', (typed, folded) => {
    expect(foldEmail(typed)).toBe(folded);
  });

  it.each([
    '',
    'anna',
    'anna@',
    '@example.org',
    'a b@example.org',
    'anna@example',
    'a@b@example.org',
    'anna@exa mple.org',
    'x@-.org\n',
  ])('refuses %j', (typed) => {
    expect(emailSchema.safeParse(typed).success).toBe(false);
  });

  it('folds a folded address to itself, and no case of letters matters', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (address) => {
        const folded = foldEmail(address);
        fc.pre(folded !== null);
        expect(foldEmail(folded ?? '')).toBe(folded);
        expect(foldEmail(address.toUpperCase())).toBe(folded);
      }),
    );
  });
});
