'use client';

import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { Ask, Section } from '#components/ui/card.tsx';

export type Replacement = NonNullable<Outputs['replaceSystem']['page']['replacement']>;

const collections = ['students', 'teachers', 'guardians', 'others', 'classes', 'groups', 'enrolments'] as const;
const ways = ['number', 'source-id', 'proposed', 'by-hand'] as const;

/** Links of a collection, or of both, in a state. */
export const linksIn = (
  replacement: Replacement,
  state: Replacement['links'][number]['state'],
  collection?: 'people' | 'groups',
) =>
  replacement.links
    .filter((row) => row.state === state && (collection === undefined || row.collection === collection))
    .reduce((sum, { n }) => sum + n, 0);

/** People and groups of a system, without enrolments. */
export const recordsOf = (replacement: Replacement, systemId: string) =>
  replacement.counts
    .filter((row) => row.systemId === systemId && row.collection !== 'enrolments')
    .reduce((sum, { here }) => sum + here, 0);

/** How many of each kind both systems tell of, and how the links between them were found. */
export function SideBySide({ schoolId, replacement }: { schoolId: string; replacement: Replacement }) {
  const t = useTranslations('replaceSystem.sides');
  const format = useFormatter();
  const countOf = (systemId: string, collection: string) =>
    replacement.counts.find((row) => row.systemId === systemId && row.collection === collection)?.here ?? 0;
  const shown = collections.filter((collection) =>
    [replacement.old.id, replacement.new.id].some((id) => countOf(id, collection) > 0),
  );
  const found = ways.flatMap((way) => {
    const n = replacement.links
      .filter((row) => row.found === way && row.state === 'confirmed')
      .reduce((sum, row) => sum + row.n, 0);
    return n === 0 ? [] : [t('confirmedBy', { count: n, how: t(`found.${way}`) })];
  });
  return (
    <Section title={t('title')}>
      {shown.length === 0 ? (
        <p className="text-ink-2">{t('empty')}</p>
      ) : (
        <table className="w-full max-w-2xl border-collapse">
          <caption className="sr-only">{t('caption')}</caption>
          <thead>
            <tr className="border-line border-b text-ink-2 text-sm">
              <th scope="col" className="py-2 text-left font-semibold">
                {t('what')}
              </th>
              {[replacement.old, replacement.new].map(({ id, name }) => (
                <th key={id} scope="col" className="py-2 pl-4 text-right font-semibold [overflow-wrap:anywhere]">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((collection) => (
              <tr key={collection} className="border-line border-b last:border-0">
                <th scope="row" className="py-2 text-left font-normal">
                  {t(`collection.${collection}`)}
                </th>
                {[replacement.old, replacement.new].map(({ id }) => (
                  <td key={id} className="py-2 pl-4 text-right tabular-nums">
                    {format.number(countOf(id, collection))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {found.length > 0 && <p className="max-w-prose text-ink-2">{format.list(found)}.</p>}
      {replacement.state === 'reviewing' && replacement.withheldWithoutNumber > 0 && (
        <Ask>
          {t('withheld', {
            count: replacement.withheldWithoutNumber,
            old: replacement.old.name,
            new: replacement.new.name,
          })}{' '}
          <Link href={`/school/${schoolId}/data/withheld`} className="underline underline-offset-3">
            {t('withheldLink')}
          </Link>
        </Ask>
      )}
    </Section>
  );
}
