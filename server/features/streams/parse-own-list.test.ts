import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOwnList } from './parse-own-list.ts';
import { ownIdOf } from './stream-words.ts';

const parse = (csv: string) => parseOwnList(csv, ownIdOf);

describe('a school’s own list of streams', () => {
  it('is read with the columns in any order, with a BOM, by comma, semicolon or tab', () => {
    const streams = [
      { name: 'Havo 4 N&T', programme: 'Nature & Tech', level: 'havo', year: '4' },
      { name: 'Year 9; set 2', programme: null, level: null, year: '9' },
    ];
    expect(parse('Year,Name,Level,Programme\n4,Havo 4 N&T,havo,Nature & Tech\n9,Year 9; set 2,,\n')).toEqual({
      ok: true,
      streams,
    });
    expect(
      parse('\uFEFFnaam;leerjaar;niveau;profiel\r\nHavo 4 N&T;4;havo;Nature & Tech\r\n"Year 9; set 2";9;;\r\n'),
    ).toEqual({
      ok: true,
      streams,
    });
    expect(parse('name\tyear\nA\t1')).toMatchObject({ ok: true, streams: [{ name: 'A', year: '1' }] });
  });

  it('says what is wrong with the whole list or with a line', () => {
    expect(parse('')).toEqual({ ok: false, problem: 'empty' });
    expect(parse('name\n')).toEqual({ ok: false, problem: 'empty' });
    expect(parse('foo,bar\n1,2')).toEqual({ ok: false, problem: 'no-name-column' });
    expect(parse('name\n"open')).toEqual({ ok: false, problem: 'unreadable' });
    expect(parse(`name\n${'x\n'.repeat(501)}`)).toEqual({ ok: false, problem: 'too-many' });
    expect(parse(`name,year\nA,1\n,2\na,3\n${'x'.repeat(121)},4`)).toEqual({
      ok: false,
      problem: 'lines',
      lines: [
        { line: 3, problem: 'name-missing' },
        { line: 4, problem: 'twice' },
        { line: 5, problem: 'too-long' },
      ],
    });
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => typeof parse(`name,${text}`).ok === 'boolean'),
      { numRuns: 40 },
    );
  });

  it('gives the same id to a name however it is cased, marked or spaced', () => {
    expect(ownIdOf(' Économie  5')).toBe(ownIdOf('economie 5'));
    expect(ownIdOf('★')).not.toBe(ownIdOf('☆'));
  });
});
