'use client';

import { useQuery } from '@tanstack/react-query';
import { CircleCheck } from 'lucide-react';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { TRPCProvider, useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card, Section } from '#components/ui/card.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Skeleton } from '#components/ui/progress.tsx';
import { AddressSection } from '../set-up/address-section.tsx';
import { CredentialSection } from '../set-up/credential-section.tsx';
import { SetUpGuide } from '../set-up/set-up-guide.tsx';
import { forgetLink, rememberLink } from './link-token.ts';

/** All that the holder of a technical contact's link sees: guide, entry and test. */
export function LinkSetUp({ token }: { token: string }) {
  return (
    <TRPCProvider linkToken={token}>
      <SetUp token={token} />
    </TRPCProvider>
  );
}

function SetUp({ token }: { token: string }) {
  const trpc = useTRPC();
  const t = useTranslations('connectPage');
  const [done, setDone] = useState<{ school: string; system: string } | null>(null);
  const page = useQuery({ ...trpc.systems.setUpPage.queryOptions({}), retry: false, enabled: done === null });
  if (done !== null) return <LinkDone {...done} />;
  if (page.isPending) {
    return (
      <>
        <p role="status" className="sr-only">
          {t('consentWorking')}
        </p>
        <Skeleton lines={8} />
      </>
    );
  }
  if (page.error !== null) {
    const { code } = shownError(page.error);
    if (code === 'offline' || code === 'internal' || code === 'database-down') {
      return (
        <Section title={t('offlineTitle')} action={<Button onClick={() => page.refetch()}>{t('tryAgain')}</Button>}>
          <ErrorNotice error={page.error} />
        </Section>
      );
    }
    return <LinkUnusable />;
  }
  const { school, schoolId, system, credential, holder, mayEnterAddress } = page.data;
  return (
    <>
      <PageHeader
        above={holder === '' ? undefined : t('hello', { holder })}
        title={t('title', { system: system.name, school })}
        standing={t('standing', { system: system.name, school })}
      />
      <div className="grid gap-4">
        <p>{t('steps', { system: system.name })}</p>
        <SetUpGuide system={system} open />
        <AddressSection
          schoolId={schoolId}
          system={system}
          onChange={() => page.refetch()}
          confirmedBy={null}
          mayChange={mayEnterAddress}
        />
        <CredentialSection
          schoolId={schoolId}
          system={system}
          credentials={credential === null ? [] : [credential]}
          onChange={() => page.refetch()}
          onProved={() => {
            forgetLink();
            setDone({ school, system: system.name });
          }}
          onConsent={() => rememberLink(token)}
          linkToken={token}
        />
        <Section title={t('whatIsRead')}>
          <p className="text-ink-2 text-sm">{t('whatIsReadBody', { school })}</p>
        </Section>
      </div>
    </>
  );
}

/** It works: what happens next, and that there is nothing more to do here. */
export function LinkDone({ school, system }: { school?: string; system?: string }) {
  const t = useTranslations('connectPage');
  return (
    <div role="status">
      <Card className="grid gap-3 border-l-4 border-l-live">
        <h1 className="flex items-start gap-2.5">
          <CircleCheck className="mt-1 size-6 shrink-0 text-live" aria-hidden />
          {t('doneTitle')}
        </h1>
        <p>{system === undefined ? t('doneBodyPlain') : t('doneBody', { system })}</p>
        <p>{school === undefined ? t('doneNextPlain') : t('doneNext', { school })}</p>
        <p className="text-ink-2">{t('doneClose')}</p>
      </Card>
    </div>
  );
}

/** One page for a link that was used, has expired, was replaced or never was: it tells a stranger nothing. */
export function LinkUnusable() {
  const t = useTranslations('connectPage');
  return (
    <Card className="grid gap-3">
      <h1>{t('unusableTitle')}</h1>
      <p>{t('unusableBody')}</p>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-2">
        {t('unusableAccount')}
        <Button asChild size="small">
          <Link href="/sign-in">{t('signIn')}</Link>
        </Button>
      </p>
    </Card>
  );
}
