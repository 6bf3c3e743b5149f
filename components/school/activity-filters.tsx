'use client';

import { useTranslations } from 'next-intl';
import { useEffect, useId, useRef, useState } from 'react';
import { Button } from '#components/ui/button.tsx';
import { Input, Select } from '#components/ui/input.tsx';
import { activityAreas } from '#server/features/operations/activity-areas.ts';
import { activityActors, type useActivityFilter } from './use-activity-filter.ts';

/** Which entries are looked for: by area, by who acted, between two days. The database looks through the whole trail. */
export function ActivityFilters({ filter, filtered, change, clear }: ReturnType<typeof useActivityFilter>) {
  const t = useTranslations('schoolActivity.filter');
  const id = useId();
  const [cleared, setCleared] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <search key={cleared} className="flex flex-wrap items-end gap-2">
      <Select
        aria-label={t('area')}
        className="w-auto"
        value={filter.area ?? ''}
        onChange={(event) => change({ area: event.target.value })}
      >
        <option value="">{t('allAreas')}</option>
        {activityAreas.map((area) => (
          <option key={area} value={area}>
            {t(`areas.${area}`)}
          </option>
        ))}
      </Select>
      <Select
        aria-label={t('by')}
        className="w-auto"
        value={filter.by ?? ''}
        onChange={(event) => change({ by: event.target.value })}
      >
        <option value="">{t('anybody')}</option>
        {activityActors.map((actor) => (
          <option key={actor} value={actor}>
            {t(`actors.${actor}`)}
          </option>
        ))}
      </Select>
      <Input
        type="search"
        aria-label={t('who')}
        placeholder={t('who')}
        className="w-44"
        maxLength={200}
        defaultValue={filter.who ?? ''}
        onChange={(event) => {
          const { value } = event.target;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => change({ who: value.trim() }), 250);
        }}
      />
      {(['from', 'until'] as const).map((which) => (
        <span key={which} className="flex items-center gap-2">
          <label htmlFor={`${id}-${which}`} className="text-ink-2 text-sm">
            {t(which)}
          </label>
          <Input
            id={`${id}-${which}`}
            type="date"
            className="w-auto"
            defaultValue={filter[which] ?? ''}
            onChange={(event) => change({ [which]: event.target.value })}
          />
        </span>
      ))}
      {filtered && (
        <Button
          variant="quiet"
          onClick={() => {
            clearTimeout(timer.current);
            setCleared(cleared + 1);
            clear();
          }}
        >
          {t('clear')}
        </Button>
      )}
    </search>
  );
}
