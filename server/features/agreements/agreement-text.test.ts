import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fillIn,
  hashOfText,
  type PlaceholderValues,
  placeholders,
  shownText,
  unknownPlaceholders,
} from './agreement-text.ts';

const values: PlaceholderValues = {
  school: 'Lindenhof',
  register: 'BRIN',
  register_number: '01AB',
  country: 'NL',
  agent: 'Boeken & Zo',
  marketplace: 'Schoolwijs',
  term_start: '2026-08-01',
  term_end: '2027-07-31',
  products: 'all',
  price_note: '€ 2 per pupil',
  grace_days: '30',
};

describe('the text of an agreement', () => {
  it('names the school where the template says so, with or without spaces', () => {
    expect(fillIn('Between {{school}} and {{ agent }}.', values)).toBe('Between Lindenhof and Boeken & Zo.');
  });

  it('refuses a placeholder that means nothing, by name', () => {
    expect(unknownPlaceholders('{{school}} {{schol}} {{ price }}')).toEqual(['schol', 'price']);
    expect(() => fillIn('{{schol}}', values)).toThrow(
      expect.objectContaining({ code: 'placeholder-unknown', details: { placeholders: ['schol'] } }),
    );
  });

  it('never fills in what a value brings along', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...placeholders), (noise, name) => {
        const typed = `${noise}{{${name}}}`;
        expect(fillIn('{{school}}', { ...values, school: typed })).toBe(typed);
      }),
    );
  });

  it('has one hash however its lines end, and another for any other text', () => {
    const text = { body: 'One\nTwo', dataProcessingTerms: 'é' };
    expect(hashOfText({ body: 'One\r\nTwo\n', dataProcessingTerms: 'e\u0301' })).toBe(hashOfText(text));
    expect(hashOfText({ ...text, body: 'One\nTwo.' })).not.toBe(hashOfText(text));
    expect(hashOfText({ body: 'One', dataProcessingTerms: 'Two\n\né' })).not.toBe(hashOfText(text));
    expect(shownText(text)).toBe('One\nTwo\n\né\n');
  });
});
