'use client';

import { useMutation } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { Chip } from '#components/ui/state-badge.tsx';
import { type Blackout, problemsOfBlackouts } from '#server/features/sync-settings/settings-rules.ts';
import { type SettingsForm, useProblemWords } from './form-of-settings.ts';

interface Row extends Blackout {
  /** Rows have no name of their own while they are typed. */
  readonly key: number;
}

/** The days on which nothing is asked by schedule: holidays, moves, term breaks. */
export function BlackoutForm({ schoolId, systemId, page, onSaved }: SettingsForm) {
  const trpc = useTRPC();
  const t = useTranslations('syncSettings');
  const [rows, setRows] = useState<readonly Row[]>(page.settings.blackouts.map((row, key) => ({ ...row, key })));
  const [asked, setAsked] = useState(false);
  const [note, setNote] = useState('');
  const save = useMutation(trpc.syncSettings.saveQuietDays.mutationOptions({ onSuccess: onSaved }));
  const typed = rows.map(({ from, until, label }) => ({ from, until, label }));
  const problems = problemsOfBlackouts(typed);
  const wrong = useProblemWords(asked ? problems : [], save.error);
  const unsaved = JSON.stringify(typed) !== JSON.stringify(page.settings.blackouts);
  const nextKey = Math.max(-1, ...rows.map(({ key }) => key)) + 1;
  const change = (next: readonly Row[]) => {
    setRows(next);
    setNote('');
    save.reset();
  };
  const breaks = page.termBreaks.map((gap) => ({
    from: gap.from,
    until: gap.until,
    label: t('blackouts.breakLabel', { after: gap.after, before: gap.before }).slice(0, 120),
  }));
  const addBreaks = () => {
    const fresh = breaks.filter(
      (gap) => !rows.some((row) => row.from !== '' && row.from <= gap.until && gap.from <= row.until),
    );
    change([...rows, ...fresh.map((gap, index) => ({ ...gap, key: nextKey + index }))]);
    setNote(fresh.length === 0 ? t('blackouts.breaksKnown') : t('blackouts.breaksAdded', { count: fresh.length }));
  };
  return (
    <Section title={t('blackouts.title')}>
      <p className="max-w-prose text-ink-2">{t('blackouts.lead', { timeZone: page.timeZone })}</p>
      <form
        className="grid gap-4"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
          if (problems.length === 0) save.mutate({ schoolId, systemId, blackouts: typed });
        }}
      >
        <fieldset disabled={!page.mayChange} className="grid gap-3">
          {rows.length === 0 && <p className="rounded-control bg-sunken px-4 py-3">{t('blackouts.empty')}</p>}
          {rows.map((row, index) => {
            const put = (part: Partial<Blackout>) =>
              change(rows.map((other) => (other.key === row.key ? { ...other, ...part } : other)));
            const over = row.until !== '' && row.until < page.today;
            const now = row.from <= page.today && page.today <= row.until;
            return (
              <div
                key={row.key}
                className="grid grid-cols-[1fr_1fr_auto] items-start gap-x-3 gap-y-2 border-line border-b pb-3 last:border-0 last:pb-0 md:grid-cols-[10.5rem_10.5rem_minmax(0,1fr)_auto]"
              >
                <Field label={t('blackouts.from')} error={wrong(`${index}.from`)}>
                  <Input type="date" value={row.from} onChange={(event) => put({ from: event.target.value })} />
                </Field>
                <Field label={t('blackouts.until')} error={wrong(`${index}.until`)}>
                  <Input
                    type="date"
                    value={row.until}
                    min={row.from === '' ? undefined : row.from}
                    onChange={(event) => put({ until: event.target.value })}
                  />
                </Field>
                <div className="col-span-2 md:col-span-1">
                  <Field
                    label={
                      <>
                        {t('blackouts.label')} {now && <Chip>{t('blackouts.now')}</Chip>}
                        {over && <Chip>{t('blackouts.over')}</Chip>}
                      </>
                    }
                    error={wrong(`${index}.label`)}
                  >
                    <Input
                      value={row.label}
                      maxLength={120}
                      placeholder={t('blackouts.labelExample')}
                      onChange={(event) => put({ label: event.target.value })}
                    />
                  </Field>
                </div>
                {page.mayChange && (
                  <Button
                    variant="quiet"
                    size="icon"
                    className="mt-[30px] max-md:col-start-3 max-md:row-start-1"
                    aria-label={
                      row.label === ''
                        ? t('blackouts.removeNth', { n: index + 1 })
                        : t('blackouts.remove', { label: row.label })
                    }
                    onClick={() => change(rows.filter((other) => other.key !== row.key))}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                )}
              </div>
            );
          })}
        </fieldset>
        {page.mayChange && (
          <div className="flex flex-wrap gap-2">
            <Button onClick={() => change([...rows, { from: '', until: '', label: '', key: nextKey }])}>
              {t('blackouts.add')}
            </Button>
            {breaks.length > 0 && (
              <Button onClick={addBreaks}>{t('blackouts.addBreaks', { count: breaks.length })}</Button>
            )}
          </div>
        )}
        <p className="text-ink-2 text-sm empty:hidden" role="status">
          {note !== '' ? note : unsaved ? t('blackouts.unsaved') : ''}
        </p>
        {wrong('') !== null && <p className="font-semibold text-fail text-sm">{wrong('')}</p>}
        <ErrorNotice error={save.error} />
        {page.mayChange && (rows.length > 0 || unsaved) && (
          <Button type="submit" variant="primary" pending={save.isPending} className="justify-self-start">
            {t('saveWhat.blackouts')}
          </Button>
        )}
      </form>
    </Section>
  );
}
