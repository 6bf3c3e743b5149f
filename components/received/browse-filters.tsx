'use client';

import { X } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useEffect, useRef, useState } from 'react';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Input, Select } from '#components/ui/input.tsx';
import { isPeople } from './browse-address.ts';
import type { useBrowse } from './use-browse.ts';

type Overview = Outputs['data']['overview'];

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** Search and filters of one collection; what there is no choice of is not asked. */
export function BrowseFilters({ browse, overview }: { browse: ReturnType<typeof useBrowse>; overview: Overview }) {
  const t = useTranslations('schoolData');
  const { collection, common, change } = browse;
  const [cleared, setCleared] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const countOf = (system: Overview['systems'][number], which: string) =>
    system.counts.find((row) => row.collection === which);
  const having = overview.systems.filter(({ counts }) =>
    counts.some((row) => row.collection === collection || (collection === 'groups' && row.collection === 'classes')),
  );
  const all = having.flatMap(({ counts }) => counts).filter((row) => row.collection === collection);
  const sites = distinct(overview.sites.map((site) => ({ value: site.sourceId, label: site.name })));
  const terms = distinct(
    overview.terms.map((term) => ({
      value: term.sourceId,
      label: term.ended ? t('filter.ended', { term: term.name }) : term.name,
    })),
  );
  const missing = all.reduce((sum, row) => sum + row.missing, 0);
  const gone = all.reduce((sum, row) => sum + row.gone, 0);
  const { groups, courses } = browse;
  const people = isPeople(collection);
  return (
    <div
      role={people ? undefined : 'search'}
      className="flex flex-wrap items-end gap-2"
      key={`${collection} ${cleared}`}
    >
      {!people && (
        <Input
          type="search"
          aria-label={t('filter.searchIn', { what: t(`collection.${collection}`) })}
          placeholder={t('filter.placeholder')}
          defaultValue={common.search}
          maxLength={200}
          className="max-w-72"
          onChange={(event) => {
            const { value } = event.target;
            clearTimeout(timer.current);
            timer.current = setTimeout(() => change({ search: value.trim() }), 250);
          }}
        />
      )}
      {having.length > 1 && (
        <Filter
          label={t('filter.system')}
          value={common.systemId ?? ''}
          all={t('filter.allSystems')}
          choices={having.map(({ id, name }) => ({ value: id, label: name }))}
          onChange={(system) => change({ system })}
        />
      )}
      {collection === 'groups' && overview.systems.some((system) => (countOf(system, 'classes')?.here ?? 0) > 0) && (
        <Filter
          label={t('filter.kind')}
          value={groups.kind ?? ''}
          all={t('filter.allKinds')}
          choices={(['group', 'class'] as const).map((kind) => ({ value: kind, label: t(`filter.${kind}`) }))}
          onChange={(kind) => change({ kind })}
        />
      )}
      {(collection === 'groups' || people) && sites.length > 1 && (
        <Filter
          label={t('filter.site')}
          value={browse.people.site ?? ''}
          all={t('filter.allSites')}
          choices={sites}
          onChange={(site) => change({ site })}
        />
      )}
      {collection === 'groups' && terms.length > 1 && (
        <Filter
          label={t('filter.term')}
          value={groups.term ?? ''}
          all={t('filter.allTerms')}
          choices={terms}
          onChange={(term) => change({ term })}
        />
      )}
      {collection === 'courses' && (
        <Filter
          label={t('filter.sisId')}
          value={courses.sisId ?? ''}
          all={t('filter.anySisId')}
          choices={(['with', 'without'] as const).map((value) => ({ value, label: t(`filter.${value}`) }))}
          onChange={(sisId) => change({ sisId })}
        />
      )}
      {(people || missing + gone > 0 || common.status !== 'here') && (
        <Filter
          label={t('filter.status')}
          value={browse.people.status === 'here' ? '' : browse.people.status}
          all={t('filter.here')}
          choices={(['missing', 'gone'] as const).map((value) => ({ value, label: t(`filter.${value}`) }))}
          onChange={(status) => change({ status })}
        />
      )}
      {collection === 'groups' &&
        ([['subject', 'bySubject'] as const, ['stream', 'byStream'] as const] as const).map(([filter, words]) =>
          groups[filter] === undefined ? null : (
            <Button
              key={filter}
              onClick={() => change({ [filter]: '' })}
              aria-label={t('filter.drop', { what: t(`filter.${words}`) })}
            >
              {t(`filter.${words}`)}
              <X aria-hidden />
            </Button>
          ),
        )}
      {browse.filtered && (
        <Button
          variant="quiet"
          onClick={() => {
            clearTimeout(timer.current);
            setCleared(cleared + 1);
            browse.clear();
          }}
        >
          {t('filter.clear')}
        </Button>
      )}
    </div>
  );
}

function Filter({
  label,
  value,
  all,
  choices,
  onChange,
}: {
  label: string;
  value: string;
  all: string;
  choices: readonly Choice[];
  onChange: (value: string) => void;
}) {
  return (
    <Select
      aria-label={label}
      value={value}
      className="w-auto max-w-60"
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{all}</option>
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {choice.label}
        </option>
      ))}
    </Select>
  );
}

/** Two systems can give the same id to a site or term: it is one choice. */
const distinct = (choices: readonly Choice[]) => [...new Map(choices.map((choice) => [choice.value, choice])).values()];
