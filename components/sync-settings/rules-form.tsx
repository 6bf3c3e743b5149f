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
import { Input, Select } from '#components/ui/input.tsx';
import { defaultOf, problemsOfRules, weighedCollections } from '#server/features/sync-settings/settings-rules.ts';
import { type GuardRule, guardKinds } from '#server/roster/guard.ts';
import { type SettingsForm, useProblemWords } from './form-of-settings.ts';

interface Row {
  readonly key: number;
  readonly collection: GuardRule['collection'];
  readonly site: string | null;
  readonly kind: GuardRule['kind'];
  /** As typed, in per cent. */
  readonly share: string;
  readonly atLeast: string;
}

const typedOf = (rule: GuardRule, key: number): Row => ({
  ...rule,
  key,
  // 0.07 × 100 is not quite 7.
  share: String(Number((rule.share * 100).toFixed(4))),
  atLeast: String(rule.atLeast),
});
const number = (text: string) => (text.trim() === '' ? Number.NaN : Number(text.replace(',', '.')));
const ruleOf = ({ collection, site, kind, share, atLeast }: Row) => ({
  collection,
  site,
  kind,
  share: Number((number(share) / 100).toFixed(6)),
  atLeast: number(atLeast),
});
const isNarrow = ({ collection, site }: Pick<Row, 'collection' | 'site'>) => collection !== null || site !== null;

/** When a run is held for review: the three thresholds for everything, and the school's own narrower ones. */
export function RulesForm({ schoolId, systemId, page, onSaved }: SettingsForm) {
  const trpc = useTRPC();
  const t = useTranslations('syncSettings');
  const sync = useTranslations('sync.collection');
  const [rows, setRows] = useState<readonly Row[]>(() => {
    const own = page.settings.guardRules;
    const broad = page.defaultRules.map((rule) => own.find((o) => !isNarrow(o) && o.kind === rule.kind) ?? rule);
    return [...broad, ...own.filter(isNarrow)].map(typedOf);
  });
  const [asked, setAsked] = useState(false);
  const save = useMutation(trpc.syncSettings.saveGuardRules.mutationOptions({ onSuccess: onSaved }));
  const sites = new Set([
    ...page.sites.map(({ sourceId }) => sourceId),
    ...page.settings.guardRules.flatMap(({ site }) => (site === null ? [] : [site])),
  ]);
  const rules = rows.map(ruleOf);
  const problems = problemsOfRules(rules, { kind: page.system.kind, sites });
  const wrong = useProblemWords(asked ? problems : [], save.error);
  const collections = weighedCollections[page.system.kind];
  const change = (next: readonly Row[]) => {
    setRows(next);
    save.reset();
  };
  const put = (key: number, part: Partial<Row>) =>
    change(rows.map((row) => (row.key === key ? { ...row, ...part } : row)));
  const numbers = (row: Row, index: number) => (
    <>
      <Field label={t('rules.share')} error={wrong(`${index}.share`)}>
        <Input
          inputMode="decimal"
          className="w-24 tabular-nums"
          value={row.share}
          maxLength={8}
          aria-label={`${t('rules.share')} (${t('rules.shareUnit')})`}
          onChange={(event) => put(row.key, { share: event.target.value })}
        />
      </Field>
      <span className="mt-[38px]" aria-hidden>
        %
      </span>
      <Field label={t('rules.atLeast')} error={wrong(`${index}.atLeast`)}>
        <Input
          inputMode="numeric"
          className="w-24 tabular-nums"
          value={row.atLeast}
          maxLength={9}
          onChange={(event) => put(row.key, { atLeast: event.target.value })}
        />
      </Field>
      <span className="mt-[38px]">{t('rules.records')}</span>
    </>
  );
  const siteName = (id: string) => page.sites.find(({ sourceId }) => sourceId === id)?.name;
  const addable: Row = {
    key: Math.max(...rows.map(({ key }) => key)) + 1,
    collection: collections.at(-1) ?? null,
    site: null,
    kind: 'gone',
    share: '10',
    atLeast: '1',
  };
  return (
    <Section title={t('rules.title')}>
      <p className="max-w-prose text-ink-2">{t('rules.lead')}</p>
      <form
        noValidate
        className="grid gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
          if (problems.length === 0) save.mutate({ schoolId, systemId, rules });
        }}
      >
        <fieldset disabled={!page.mayChange} className="grid gap-4 lg:grid-cols-3">
          {rows.map((row, index) => {
            if (isNarrow(row)) return null;
            const standard = defaultOf(row);
            const rule = ruleOf(row);
            const same = standard !== null && standard.share === rule.share && standard.atLeast === rule.atLeast;
            return (
              <div key={row.key} className="grid content-start gap-2 rounded-control bg-sunken p-4">
                <h3 className="font-semibold">{t(`rules.${row.kind}.name`)}</h3>
                <p className="text-ink-2 text-sm">{t(`rules.${row.kind}.sentence`)}</p>
                <div className="flex flex-wrap items-start gap-2">{numbers(row, index)}</div>
                {standard !== null && (
                  <p className="flex min-h-8 flex-wrap items-center gap-x-2 text-ink-2 text-sm">
                    {t('rules.default', { share: standard.share * 100, atLeast: standard.atLeast })}
                    {page.mayChange && !same && (
                      <Button size="small" onClick={() => put(row.key, typedOf(standard, row.key))}>
                        {t('rules.back')}
                      </Button>
                    )}
                  </p>
                )}
              </div>
            );
          })}
        </fieldset>
        <fieldset disabled={!page.mayChange} className="grid gap-3">
          <h3 className="font-semibold">{t('rules.own')}</h3>
          <p className="max-w-prose text-ink-2 text-sm">{t('rules.ownLead')}</p>
          {!rows.some(isNarrow) && <p className="rounded-control bg-sunken px-4 py-3">{t('rules.ownEmpty')}</p>}
          {rows.map((row, index) =>
            !isNarrow(row) ? null : (
              <div key={row.key} className="flex flex-wrap items-start gap-x-3 gap-y-2 border-line border-b pb-3">
                <div className="w-full sm:w-44">
                  <Field label={t('rules.collection')} error={wrong(`${index}.collection`)}>
                    <Select
                      value={row.collection ?? ''}
                      onChange={(event) => {
                        const chosen = collections.find((name) => name === event.target.value) ?? null;
                        put(row.key, { collection: chosen });
                      }}
                    >
                      {/* With neither it would be one of the three above. */}
                      {row.site !== null && <option value="">{t('rules.allCollections')}</option>}
                      {collections.map((name) => (
                        <option key={name} value={name}>
                          {sync(name)}
                        </option>
                      ))}
                    </Select>
                  </Field>
                </div>
                {(page.sites.length > 1 || row.site !== null) && (
                  <div className="w-full sm:w-56">
                    <Field label={t('rules.site')} error={wrong(`${index}.site`)}>
                      <Select
                        value={row.site ?? ''}
                        onChange={(event) =>
                          put(row.key, { site: event.target.value === '' ? null : event.target.value })
                        }
                      >
                        {row.collection !== null && <option value="">{t('rules.allSites')}</option>}
                        {row.site !== null && siteName(row.site) === undefined && (
                          <option value={row.site}>{t('rules.unknownSite', { site: row.site })}</option>
                        )}
                        {page.sites.map(({ sourceId, name }) => (
                          <option key={sourceId} value={sourceId}>
                            {name}
                          </option>
                        ))}
                      </Select>
                    </Field>
                  </div>
                )}
                <div className="w-full sm:w-52">
                  <Field label={t('rules.kind')} error={wrong(`${index}.kind`)}>
                    <Select
                      value={row.kind}
                      onChange={(event) => {
                        const kind = guardKinds.find((name) => name === event.target.value);
                        if (kind !== undefined) put(row.key, { kind });
                      }}
                    >
                      {guardKinds.map((kind) => (
                        <option key={kind} value={kind}>
                          {t(`rules.${kind}.name`)}
                        </option>
                      ))}
                    </Select>
                  </Field>
                </div>
                <div className="flex flex-wrap items-start gap-2">{numbers(row, index)}</div>
                {page.mayChange && (
                  <Button
                    variant="quiet"
                    size="icon"
                    className="mt-[30px]"
                    aria-label={t('rules.remove')}
                    onClick={() => change(rows.filter(({ key }) => key !== row.key))}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                )}
              </div>
            ),
          )}
          {page.mayChange && (
            <Button className="justify-self-start" onClick={() => change([...rows, addable])}>
              {t('rules.add')}
            </Button>
          )}
        </fieldset>
        {wrong('') !== null && <p className="font-semibold text-fail text-sm">{wrong('')}</p>}
        <ErrorNotice error={save.error} />
        {page.mayChange && (
          <Button type="submit" variant="primary" pending={save.isPending} className="justify-self-start">
            {t('saveWhat.rules')}
          </Button>
        )}
      </form>
    </Section>
  );
}
