'use client';

import { useTranslations } from 'next-intl';
import { Checkbox } from '#components/ui/input.tsx';
import type { Choice, Decision } from './decision.ts';

/** Narrows the release to sites. An approver for some sites can release those alone. */
export function SitesSection({
  decision: { sites, reach, released },
  choice,
  onChoice,
}: {
  decision: Decision;
  choice: Choice;
  onChoice: (choice: Choice) => void;
}) {
  const t = useTranslations('decision');
  const limited = reach?.kind === 'sites';
  const choosable = limited ? sites.filter(({ id }) => reach.siteIds.includes(id)) : sites;
  const names = sites.filter(({ id }) => released?.sites.includes(id) ?? false).map(({ name }) => name);
  return (
    <div className="grid gap-2 border-line border-t pt-3">
      <h3>{t('sites.title')}</h3>
      <p className="text-ink-2 text-sm">
        {limited ? t('sites.limited') : t('sites.hint')}
        {released !== null && ` ${t('sites.asked', { sites: names.length === 0 ? t('sites.all') : names.join(', ') })}`}
      </p>
      <fieldset className="grid gap-x-6 sm:grid-cols-2">
        <legend className="sr-only">{t('sites.title')}</legend>
        {choosable.map(({ id, name }) => (
          <Checkbox
            key={id}
            label={name}
            disabled={reach === null}
            checked={choice.sites.includes(id)}
            onChange={(event) =>
              onChoice({
                ...choice,
                sites: event.target.checked ? [...choice.sites, id] : choice.sites.filter((other) => other !== id),
              })
            }
          />
        ))}
      </fieldset>
      {limited && choice.sites.length === 0 && (
        <p role="alert" className="font-semibold text-fail text-sm">
          {t('sites.mustChoose')}
        </p>
      )}
    </div>
  );
}
