'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { CircleCheck } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { type FormEvent, useState } from 'react';
import { TRPCProvider, useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Card, Section } from '#components/ui/card.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input, Textarea } from '#components/ui/input.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { LinkUnusable } from '../link/link-set-up.tsx';
import { IssuedClient } from './issued-client.tsx';

/** All that the holder of a pairing link sees: whose roster, which LMS, what for; then the client, once. */
export function PairingPage({ token }: { token: string }) {
  return (
    <TRPCProvider linkToken={token}>
      <Pairing />
    </TRPCProvider>
  );
}

function Pairing() {
  const trpc = useTRPC();
  const t = useTranslations('pairing');
  const [done, setDone] = useState<Outputs['connections']['pair'] | null>(null);
  const page = useQuery({
    ...trpc.connections.pairingPage.queryOptions({}),
    retry: false,
    enabled: done === null,
    refetchOnWindowFocus: false,
  });
  if (done !== null) return <Paired done={done} />;
  if (page.isPending) {
    return (
      <>
        <p role="status" className="sr-only">
          {t('loading')}
        </p>
        <Skeleton lines={8} />
      </>
    );
  }
  if (page.error !== null) {
    const { code } = shownError(page.error);
    if (code === 'offline' || code === 'internal' || code === 'database-down') {
      return (
        <Section title={t('offline')} action={<Button onClick={() => page.refetch()}>{t('tryAgain')}</Button>}>
          <ErrorNotice error={page.error} />
        </Section>
      );
    }
    return <LinkUnusable />;
  }
  return <PairingForm page={page.data} onDone={setDone} />;
}

/** What most LMSs need; guardians and demographics are asked for on purpose. */
const usual: readonly string[] = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
];

function PairingForm({
  page,
  onDone,
}: {
  page: Outputs['connections']['pairingPage'];
  onDone: (done: Outputs['connections']['pair']) => void;
}) {
  const trpc = useTRPC();
  const t = useTranslations('pairing');
  const words = useTranslations('connections');
  const [lms, setLms] = useState('');
  const [address, setAddress] = useState('');
  const [name, setName] = useState(page.holder);
  const [email, setEmail] = useState('');
  const [purpose, setPurpose] = useState('');
  const [until, setUntil] = useState(page.until);
  const [chosen, setChosen] = useState(page.scopes.filter((scope) => usual.includes(scope)));
  const [wrong, setWrong] = useState<readonly string[]>([]);
  const pair = useMutation(
    trpc.connections.pair.mutationOptions({
      onSuccess: onDone,
      onError: (error) => {
        const { fields } = shownError(error).details;
        setWrong(Array.isArray(fields) ? fields.map((field) => (field === 'baseUrl' ? 'address' : field)) : []);
      },
    }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = [
      ...(lms.trim() === '' ? ['lms'] : []),
      ...(URL.canParse(address) ? [] : ['address']),
      ...(name.trim() === '' ? ['name'] : []),
      ...(/^\S+@\S+\.\S+$/.test(email) ? [] : ['email']),
      ...(purpose.trim().length < 3 ? ['purpose'] : []),
      ...(chosen.length === 0 ? ['scopes'] : []),
    ];
    setWrong(found);
    if (found.length > 0) return;
    pair.mutate({
      lms,
      address,
      name,
      email,
      purpose,
      until: until === '' ? undefined : until,
      scopes: chosen.map((scope) => ({ scope, required: scope !== 'roster.classes' && usual.includes(scope) })),
    });
  };
  const error = (field: string) => (wrong.includes(field) ? t(`wrong.${field}`) : undefined);
  return (
    <>
      <PageHeader
        title={t('title', { system: page.system, school: page.school })}
        standing={t('standing', { school: page.school })}
      />
      <form className="grid max-w-2xl gap-4" noValidate onSubmit={submit}>
        <Section title={t('whichLms')}>
          <Field label={t('lms')} hint={t('lmsHint')} error={error('lms')}>
            <Input value={lms} maxLength={120} onChange={(event) => setLms(event.target.value)} />
          </Field>
          <Field label={t('address')} hint={t('addressHint')} error={error('address')}>
            <Input
              type="url"
              value={address}
              placeholder="https://lms.school.example"
              onChange={(event) => setAddress(event.target.value)}
            />
          </Field>
        </Section>
        <Section title={t('whoAreYou')}>
          <Field label={t('name')} error={error('name')}>
            <Input value={name} maxLength={120} autoComplete="name" onChange={(event) => setName(event.target.value)} />
          </Field>
          <Field label={t('email')} hint={t('emailHint')} error={error('email')}>
            <Input type="email" value={email} autoComplete="email" onChange={(event) => setEmail(event.target.value)} />
          </Field>
        </Section>
        <Section title={t('what')}>
          <fieldset className="grid gap-1">
            <legend className="sr-only">{t('what')}</legend>
            {page.scopes.map((scope) => (
              <Checkbox
                key={scope}
                label={<span className="inline-block first-letter:uppercase">{words(`scope.${scope}`)}</span>}
                hint={words(`scopeDetail.${scope}`)}
                checked={chosen.includes(scope)}
                onChange={(event) =>
                  setChosen(event.target.checked ? [...chosen, scope] : chosen.filter((other) => other !== scope))
                }
              />
            ))}
          </fieldset>
          {wrong.includes('scopes') && (
            <p role="alert" className="font-semibold text-fail text-sm">
              {t('wrong.scopes')}
            </p>
          )}
          <Field label={t('purpose')} hint={t('purposeHint')} error={error('purpose')}>
            <Textarea value={purpose} maxLength={1000} onChange={(event) => setPurpose(event.target.value)} />
          </Field>
          <Field label={t('until')} hint={t('untilHint')} error={error('until')}>
            <Input type="date" className="max-w-56" value={until} onChange={(event) => setUntil(event.target.value)} />
          </Field>
        </Section>
        <p className="text-ink-2 text-sm">{t('consent', { school: page.school })}</p>
        <ErrorNotice error={wrong.length > 0 ? null : pair.error} />
        <Button type="submit" variant="primary" className="justify-self-start" pending={pair.isPending}>
          {t('send', { school: page.school })}
        </Button>
      </form>
    </>
  );
}

function Paired({ done }: { done: Outputs['connections']['pair'] }) {
  const t = useTranslations('pairing');
  return (
    <div role="status">
      <Card className="grid max-w-2xl gap-4 border-l-4 border-l-live">
        <h1 className="flex items-start gap-2.5">
          <CircleCheck className="mt-1 size-6 shrink-0 text-live" aria-hidden />
          {t('doneTitle')}
        </h1>
        <p>{t('doneSecret')}</p>
        <IssuedClient issued={done} />
        <p>{t('doneNext', { school: done.school })}</p>
        <p className="text-ink-2">{t('doneClose', { school: done.school })}</p>
      </Card>
    </div>
  );
}
