import fc from 'fast-check';
import { expect, it } from 'vitest';
import { spreadsheetSafe } from './spreadsheet-safe.ts';

it('keeps a spreadsheet from computing what is a text', () => {
  for (const formula of ['=1+1', '+cmd|x', '-2+3', '@SUM(A1)', '\t=1', '  =HYPERLINK("x")', '\r=1', '|calc', '＝1']) {
    expect(spreadsheetSafe(formula)).toBe(`'${formula}`);
  }
  for (const plain of ['Registra', 'a=b', '-12', '+3.5', '2026-09-30', '']) expect(spreadsheetSafe(plain)).toBe(plain);
});

it('leaves nothing that begins with a sign of a formula', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const safe = spreadsheetSafe(text);
      expect(/^[=@]/.test(safe)).toBe(false);
      expect(safe.endsWith(text)).toBe(true);
    }),
  );
});
