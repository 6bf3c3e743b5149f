'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { useFormatter, useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useConnectorText } from '#components/connections/connector-text.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input, Select } from '#components/ui/input.tsx';
import { pushLeavers, pushShapes } from '#db/schema/vocabulary.ts';

type Page = Outputs['push']['page'];

/** How accounts and courses are made. Saved, the next push is shown before it writes. */
export function SettingsForm({
  schoolId,
  connectionId,
  page,
  onSaved,
}: {
  schoolId: string;
  connectionId: string;
  page: Page;
  onSaved: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('push.settings');
  const text = useConnectorText();
  const { settings } = page;
  const [chosen, setChosen] = useState({
    courses: settings?.courses ?? ('group' as const),
    signIn: settings?.signIn ?? page.signIn[0]?.id ?? '',
    usernamePattern: settings === null ? '{given}.{family}' : settings.usernamePattern,
    emailHost: settings === null ? 'school.invalid' : settings.emailHost,
    leavers: settings?.leavers ?? ('suspend' as const),
    guardLeaving: settings?.guardLeaving ?? 0.1,
    guardChanged: settings?.guardChanged ?? 0.75,
  });
  const set = (changes: Partial<typeof chosen>) => setChosen({ ...chosen, ...changes });
  const save = useMutation(
    trpc.push.saveSettings.mutationOptions({
      onSuccess: async ({ pushRunId }) => {
        await onSaved();
        toast.success(t(pushRunId === null ? 'saved' : 'savedAndPlanned'));
      },
    }),
  );
  const bySubject = page.entities.includes('section');
  return (
    <Section title={t('title')}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate({ schoolId, connectionId, ...chosen });
        }}
      >
        <fieldset disabled={!page.mayChange} className="grid gap-4">
          <Field label={t('signIn')} hint={t('signInHint')}>
            <Select value={chosen.signIn} onChange={(event) => set({ signIn: event.target.value })}>
              {page.signIn.map(({ id, label }) => (
                <option key={id} value={id}>
                  {text(label)}
                </option>
              ))}
            </Select>
          </Field>
          <Field label={t('courses')} hint={t(`coursesHint.${chosen.courses}`)}>
            <Select
              value={chosen.courses}
              onChange={(event) => {
                const shape = pushShapes.find((one) => one === event.target.value);
                if (shape !== undefined) set({ courses: shape });
              }}
            >
              {pushShapes
                .filter((shape) => shape === 'group' || bySubject)
                .map((shape) => (
                  <option key={shape} value={shape}>
                    {t(`coursesBy.${shape}`)}
                  </option>
                ))}
            </Select>
          </Field>
          <Checkbox
            label={t('makeUsernames')}
            hint={t('makeUsernamesHint')}
            checked={chosen.usernamePattern !== null}
            onChange={(event) => set({ usernamePattern: event.target.checked ? '{given}.{family}' : null })}
          />
          {chosen.usernamePattern !== null && (
            <Field
              label={t('pattern')}
              hint={t('patternHint', { given: '{given}', family: '{family}', number: '{number}' })}
            >
              <Input
                value={chosen.usernamePattern}
                onChange={(event) => set({ usernamePattern: event.target.value })}
                spellCheck={false}
              />
            </Field>
          )}
          <Checkbox
            label={t('makeEmails')}
            hint={t('makeEmailsHint')}
            checked={chosen.emailHost !== null}
            onChange={(event) => set({ emailHost: event.target.checked ? 'school.invalid' : null })}
          />
          {chosen.emailHost !== null && (
            <Field label={t('host')} hint={t('hostHint')}>
              <Input
                value={chosen.emailHost}
                onChange={(event) => set({ emailHost: event.target.value })}
                spellCheck={false}
              />
            </Field>
          )}
          <Field label={t('leavers')} hint={t(`leaversHint.${chosen.leavers}`)}>
            <Select
              value={chosen.leavers}
              onChange={(event) => {
                const leavers = pushLeavers.find((one) => one === event.target.value);
                if (leavers !== undefined) set({ leavers });
              }}
            >
              {pushLeavers.map((leavers) => (
                <option key={leavers} value={leavers}>
                  {t(`leaversDo.${leavers}`)}
                </option>
              ))}
            </Select>
          </Field>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t('guardLeaving')} hint={t('guardHint')}>
              <Input
                type="number"
                min={0}
                max={100}
                value={Math.round(chosen.guardLeaving * 100)}
                onChange={(event) => set({ guardLeaving: event.target.valueAsNumber / 100 })}
              />
            </Field>
            <Field label={t('guardChanged')} hint={t('guardHint')}>
              <Input
                type="number"
                min={0}
                max={100}
                value={Math.round(chosen.guardChanged * 100)}
                onChange={(event) => set({ guardChanged: event.target.valueAsNumber / 100 })}
              />
            </Field>
          </div>
        </fieldset>
        {page.mayChange && (
          <Accounts
            input={{
              schoolId,
              connectionId,
              signIn: chosen.signIn,
              usernamePattern: chosen.usernamePattern,
              emailHost: chosen.emailHost,
            }}
          />
        )}
        <ErrorNotice error={save.error} />
        {page.mayChange && (
          <div className="grid gap-1">
            <Button type="submit" variant="primary" className="justify-self-start" pending={save.isPending}>
              {t('save')}
            </Button>
            <p className="text-ink-2 text-sm">{t('saveHint')}</p>
          </div>
        )}
      </form>
    </Section>
  );
}

/** What the rules make of those who lack something, with five of them. */
function Accounts({
  input,
}: {
  input: {
    schoolId: string;
    connectionId: string;
    signIn: string;
    usernamePattern: string | null;
    emailHost: string | null;
  };
}) {
  const trpc = useTRPC();
  const t = useTranslations('push.settings.accounts');
  const format = useFormatter();
  const { data, error } = useQuery({ ...trpc.push.previewAccounts.queryOptions(input), retry: false });
  if (error !== null) return <p className="text-fail text-sm">{t('unreadable')}</p>;
  if (data === undefined) return null;
  return (
    <div className="grid gap-2 rounded-control bg-sunken p-3 text-sm">
      <p>
        {t('counts', {
          people: format.number(data.people),
          usernames: format.number(data.withoutUsername),
          emails: format.number(data.withoutEmail),
          aside: format.number(data.setAside),
        })}
      </p>
      {data.sample.length > 0 && (
        <ul className="grid gap-1">
          {data.sample.map(({ name, username, email }) => (
            <li key={`${name} ${username ?? ''}`} className="break-words">
              {name}: {username === null || email === null ? t('aside') : `${username} · ${email}`}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
