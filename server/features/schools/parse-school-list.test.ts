import { describe, expect, it } from 'vitest';
import { listMaxRows, parseSchoolList } from './parse-school-list.ts';

const header = 'name,register,register_number,country,time_zone,sites,contact_name,contact_email,note';
const list = (...lines: string[]) => new TextEncoder().encode([header, ...lines].join('\r\n'));
const good = 'Lindenhof,BRIN,01ab,NL,Europe/Amsterdam,Noord;Zuid,Rita Rector,rita@lindenhof.nl,';
const unreadable = (problem: string) =>
  expect.objectContaining({ code: 'list-unreadable', details: expect.objectContaining({ problem }) });

describe('a list of schools', () => {
  it('gives rows with sites and a contact, numbers in one form', () => {
    expect(parseSchoolList(list(good)).rows).toMatchObject([
      {
        line: 2,
        details: {
          name: 'Lindenhof',
          registerNumber: '01AB',
          sites: [{ name: 'Noord' }, { name: 'Zuid' }],
          contacts: [{ email: 'rita@lindenhof.nl' }],
        },
      },
    ]);
  });

  it('takes semicolons, tabs, a byte order mark, quoted line breaks and any order of columns', () => {
    for (const delimiter of [';', '\t']) {
      const text = `\uFEFFcountry${delimiter}Time zone${delimiter}Register-Number${delimiter}register${delimiter}name\nGB${delimiter}Europe/London${delimiter}123456${delimiter}urn${delimiter}"St. ""Mary's"""\n`;
      expect(parseSchoolList(new TextEncoder().encode(text)).rows[0]?.details).toMatchObject({
        name: 'St. "Mary\'s"',
        register: 'URN',
      });
    }
    const broken = list('Lindenhof,BRIN,1,NL,Europe/Amsterdam,"Noord\nZuid",,,', 'B,BRIN,2,XX,Europe/Amsterdam,,,,');
    expect(parseSchoolList(broken)).toMatchObject({
      rows: [{ line: 2, details: { sites: [{ name: 'Noord' }, { name: 'Zuid' }] } }],
      errors: [{ line: 4, column: 'country', problem: 'unknown-country', value: 'XX' }],
    });
  });

  it('names line, column and problem of everything that cannot be used, and keeps the rest', () => {
    const { rows, errors } = parseSchoolList(
      list(
        good,
        ',BRIN,2,NL,Europe/Amsterdam,,,,',
        'A,KVK,3,NL,Europe/Amsterdam,,,,',
        'A,BRIN,4,Holland,Mars/Base,,,,',
        'A,BRIN,=5,NL,Europe/Amsterdam,,Rita,,',
        'A,BRIN,6,NL,Europe/Amsterdam,,Rita,not-an-address,',
        'A,BRIN,01 AB,NL,Europe/Amsterdam,,,,',
        'A,BRIN,7,NL',
      ),
    );
    expect(rows).toHaveLength(1);
    expect(errors.map(({ line, column, problem }) => `${line} ${column} ${problem}`)).toEqual([
      '3 name missing',
      '4 register unknown-register',
      '5 country unknown-country',
      '5 time_zone unknown-time-zone',
      '6 contact_email contact-incomplete',
      '6 register_number bad-register-number',
      '7 contact_email bad-email',
      '8 register_number double-in-list',
      '9 null wrong-number-of-columns',
    ]);
  });

  it('takes text that a spreadsheet would compute as the text that it is', () => {
    const { rows } = parseSchoolList(list('"=HYPERLINK(""http://x"")",BRIN,1,NL,Europe/Amsterdam,,,,@SUM(1)'));
    expect(rows[0]?.details).toMatchObject({ name: '=HYPERLINK("http://x")', note: '@SUM(1)' });
  });

  it('is refused as a whole where it is no such list, saying why', () => {
    const refuse = (bytes: Uint8Array, problem: string) =>
      expect(() => parseSchoolList(bytes)).toThrow(unreadable(problem));
    refuse(new Uint8Array(), 'empty');
    refuse(new Uint8Array([0xff, 0xfe, 0x6e, 0x00]), 'utf-16');
    refuse(new Uint8Array([0x6e, 0xe9, 0x2c]), 'not-utf-8');
    refuse(new TextEncoder().encode('PK\u0003\u0004\0\0'), 'not-text');
    refuse(new TextEncoder().encode('name,country\nA,NL'), 'columns-missing');
    refuse(new TextEncoder().encode(`${header},name\n`), 'column-twice');
    refuse(list(), 'no-rows');
    refuse(list('"open,BRIN,1,NL,Europe/Amsterdam,,,,'), 'quotes');
    refuse(new Uint8Array(1024 * 1024 + 1).fill(0x61), 'too-large');
    refuse(list(...Array.from({ length: listMaxRows + 1 }, () => good)), 'too-many-rows');
  });
});
