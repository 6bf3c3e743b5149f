import { describe, expect, it } from 'vitest';
import { readListQuery, readSelection } from './list-query.ts';
import { pageLinks } from './page-links.ts';
import { refusalBody, statusOf, warningsBody } from './status-info.ts';

const read = (query: string, version: '1.1' | '1.2' = '1.2') =>
  readListQuery(new URLSearchParams(query), 'user', version);

describe('the parameters of a list', () => {
  it.each([
    ['', { limit: 100, offset: 0, filter: null, sort: null, fields: null, cursor: null }],
    ['limit=5000&offset=20&unknown=1', { limit: 5_000, offset: 20 }],
    ['limit=1000000000', { limit: 10_000 }],
    ['limit=10001', { limit: 10_000 }],
    ['sort=familyName', { sort: { field: 'familyName', descending: false } }],
    ['sort=dateLastModified&orderBy=desc', { sort: { field: 'dateLastModified', descending: true } }],
    ['fields=givenName, familyName,givenName', { fields: ['givenName', 'familyName'] }],
    ['fields=location&limit=1', { refusal: 'invalid_selection_field' }],
    ['limit=0', { refusal: 'invaliddata' }],
    ['limit=-1', { refusal: 'invaliddata' }],
    ['limit=ten', { refusal: 'invaliddata' }],
    ['limit=1e9', { refusal: 'invaliddata' }],
    ['limit=', { refusal: 'invaliddata' }],
    ['offset=-1', { refusal: 'invaliddata' }],
    ['offset=9999999999999999', { refusal: 'invaliddata' }],
    ['orderBy=random&sort=email', { refusal: 'invaliddata' }],
    ['sort=password', { refusal: 'invalid_sort_field' }],
    ['sort=grades', { refusal: 'invalid_sort_field' }],
    ['fields=', { refusal: 'invalid_blank_selection_field' }],
    ["filter=shoeSize='9'", { refusal: 'invalid_filter_field' }],
    ['filter=', { refusal: 'invalid_filter_field' }],
    ["filter=givenName='x'--", { refusal: 'invalid_filter_field' }],
  ])('%s', (query, expected) => {
    const { refusal, ...asked } = { refusal: null, ...expected };
    const found = read(query);
    if (refusal === null) expect(found).toMatchObject({ query: asked });
    else expect(found).toMatchObject({ refusal: { codeMinor: refusal } });
  });

  it('1.1 answers with a warning where it does not know what to sort by or to select', () => {
    expect(read('sort=shoeSize&fields=shoeSize', '1.1')).toMatchObject({
      query: {
        sort: null,
        fields: null,
        warnings: [{ codeMinor: 'invalid_selection_field' }, { codeMinor: 'invalid_sort_field' }],
      },
    });
    expect(read('fields=', '1.1')).toMatchObject({ refusal: { codeMinor: 'invalid_blank_selection_field' } });
    expect(readSelection(new URLSearchParams('fields=roles'), 'user', '1.1')).toMatchObject({ fields: null });
    expect(readSelection(new URLSearchParams('fields=role'), 'user', '1.1')).toMatchObject({ fields: ['role'] });
  });

  it('says back nothing that could be markup or more than a name', () => {
    const found = read(`sort=${encodeURIComponent('<script>alert(1)</script>'.repeat(20))}`);
    expect(JSON.stringify(found)).not.toContain('<');
    expect(JSON.stringify(found).length).toBeLessThan(250);
  });
});

describe('a refusal', () => {
  it('is flat in 1.2 and a list in 1.1, each in its own spelling', () => {
    const refusal = { codeMinor: 'unknownobject', description: 'no such class' } as const;
    expect(statusOf(refusal)).toBe(404);
    expect(refusalBody('1.2', refusal)).toEqual({
      imsx_codeMajor: 'failure',
      imsx_severity: 'error',
      imsx_description: 'no such class',
      imsx_CodeMinor: {
        imsx_codeMinorField: [
          { imsx_codeMinorFieldName: 'TargetEndSystem', imsx_codeMinorFieldValue: 'unknownobject' },
        ],
      },
    });
    expect(refusalBody('1.1', refusal)).toEqual({
      statusInfoSet: [
        {
          imsx_codeMajor: 'failure',
          imsx_severity: 'error',
          imsx_codeMinor: 'unknown object',
          imsx_description: 'no such class',
        },
      ],
    });
    expect(refusalBody('1.2', { codeMinor: 'invalid_blank_selection_field', description: '' })).toHaveProperty(
      'imsx_CodeMinor.imsx_codeMinorField.0.imsx_codeMinorFieldValue',
      'invalid_selection_field',
    );
    expect(warningsBody([{ codeMinor: 'invalid_sort_field', description: 'x' }])).toMatchObject({
      statusInfoSet: [{ imsx_codeMajor: 'success', imsx_severity: 'warning' }],
    });
  });
});

describe('the links of a page', () => {
  const links = (
    offset: number,
    count: number,
    total: number,
    next: string | null,
    query = "filter=status='active'&limit=99",
  ) =>
    Object.fromEntries(
      pageLinks('https://x.example/users', new URLSearchParams(query), { limit: 10, offset, total, next, count })
        .split(', ')
        .map((link) => {
          const [, address = '', rel = ''] = /<(.*)>; rel="(.*)"/.exec(link) ?? [];
          return [rel, new URL(address).searchParams];
        }),
    );

  it('carry every parameter, the limit that was used, and a cursor in `next` alone', () => {
    const found = links(10, 10, 35, 'c1');
    expect(Object.keys(found)).toEqual(['next', 'prev', 'first', 'last']);
    expect(found.next?.toString()).toBe(
      new URLSearchParams({ filter: "status='active'", limit: '10', offset: '20', cursor: 'c1' }).toString(),
    );
    expect([found.prev?.get('offset'), found.first?.get('offset'), found.last?.get('offset')]).toEqual([
      '0',
      '0',
      '30',
    ]);
    expect(found.last?.has('cursor')).toBe(false);
  });

  it('lead nowhere beyond the end, and back from there', () => {
    expect(Object.keys(links(0, 5, 5, null))).toEqual(['first', 'last']);
    expect(links(1_000, 0, 35, null).prev?.get('offset')).toBe('25');
    expect(links(0, 0, 0, null).last?.get('offset')).toBe('0');
  });
});
