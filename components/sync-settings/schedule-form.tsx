'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select } from '#components/ui/input.tsx';
import { defaultSchedule, fullEvery, intervals, nightly } from '#server/features/sync-settings/settings-rules.ts';
import type { SettingsForm } from './form-of-settings.ts';

/** How often a system is asked for changes, and how often for everything. */
export function ScheduleForm({ schoolId, systemId, page, onSaved }: SettingsForm) {
  const trpc = useTRPC();
  const t = useTranslations('syncSettings');
  const saved = {
    intervalMinutes:
      intervals.find((minutes) => minutes === page.settings.intervalMinutes) ?? defaultSchedule.intervalMinutes,
    fullEveryHours: fullEvery.find((hours) => hours === page.settings.fullEveryHours) ?? defaultSchedule.fullEveryHours,
  };
  const [chosen, setChosen] = useState(saved);
  const save = useMutation(trpc.syncSettings.saveSchedule.mutationOptions({ onSuccess: onSaved }));
  const isDefault = (value: typeof chosen) =>
    value.intervalMinutes === defaultSchedule.intervalMinutes &&
    value.fullEveryHours === defaultSchedule.fullEveryHours;
  const withDefault = (words: string, standard: boolean) =>
    standard ? t('schedule.default', { choice: words }) : words;
  return (
    <Section title={t('schedule.title')}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate({ schoolId, systemId, ...chosen });
        }}
      >
        <fieldset disabled={!page.mayChange} className="grid gap-4">
          <Field label={t('schedule.interval')} hint={t('schedule.intervalHint')}>
            <Select
              value={chosen.intervalMinutes}
              onChange={(event) => {
                const minutes = intervals.find((candidate) => String(candidate) === event.target.value);
                if (minutes !== undefined) setChosen({ ...chosen, intervalMinutes: minutes });
              }}
            >
              {intervals.map((minutes) => (
                <option key={minutes} value={minutes}>
                  {withDefault(t(`interval.${minutes}`), minutes === defaultSchedule.intervalMinutes)}
                </option>
              ))}
            </Select>
          </Field>
          <p className="-mt-2 text-ink-2 text-sm empty:hidden" role="status">
            {chosen.intervalMinutes === 15 && t('schedule.quarterHour', { system: page.system.name })}
            {chosen.intervalMinutes === nightly && t('schedule.nightly', { timeZone: page.timeZone })}
          </p>
          <Field label={t('schedule.full')} hint={t('schedule.fullHint')}>
            <Select
              value={chosen.fullEveryHours}
              onChange={(event) => {
                const hours = fullEvery.find((candidate) => String(candidate) === event.target.value);
                if (hours !== undefined) setChosen({ ...chosen, fullEveryHours: hours });
              }}
            >
              {fullEvery.map((hours) => (
                <option key={hours} value={hours}>
                  {withDefault(t(`schedule.hours.${hours}`), hours === defaultSchedule.fullEveryHours)}
                </option>
              ))}
            </Select>
          </Field>
        </fieldset>
        <ErrorNotice error={save.error} />
        {page.mayChange && (
          <div className="flex flex-wrap gap-2">
            <Button type="submit" variant="primary" pending={save.isPending}>
              {t('saveWhat.schedule')}
            </Button>
            {!isDefault(chosen) && (
              <Button onClick={() => setChosen({ ...defaultSchedule })}>{t('schedule.reset')}</Button>
            )}
          </div>
        )}
      </form>
    </Section>
  );
}
