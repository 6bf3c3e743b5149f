'use client';

import { useMutation } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { TRPCProvider, useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Progress } from '#components/ui/progress.tsx';
import { LinkDone } from './link-set-up.tsx';
import { forgetLink, rememberedLink } from './link-token.ts';

interface Answer {
  readonly state: string;
  readonly code?: string;
  readonly error?: string;
}

const never = () => () => undefined;

/** Back from the foreign consent page: hands in the answer in the name of the link that this window came from. */
export function LinkConsent({ answer }: { answer: Answer }) {
  const t = useTranslations('connectPage');
  // The server cannot know what this window remembers: until hydration it is not known yet.
  const token = useSyncExternalStore<string | null | undefined>(never, rememberedLink, () => undefined);
  if (token === undefined) return <Working />;
  if (token === null) {
    return (
      <Card className="grid gap-3">
        <h1>{t('consentTitlePlain')}</h1>
        <p>{t('consentLost')}</p>
      </Card>
    );
  }
  return (
    <TRPCProvider linkToken={token}>
      <Finish token={token} answer={answer} />
    </TRPCProvider>
  );
}

function Working() {
  const t = useTranslations('connectPage');
  return (
    <Card className="grid gap-3">
      <h1>{t('consentTitlePlain')}</h1>
      <p role="status">{t('consentWorking')}</p>
      <Progress value={null} label={t('consentWorking')} />
    </Card>
  );
}

function Finish({ token, answer }: { token: string; answer: Answer }) {
  const trpc = useTRPC();
  const t = useTranslations('connectPage');
  const words = useTranslations('systemPage.consentAnswer');
  const [outcome, setOutcome] = useState<'proved' | 'refused' | null>(null);
  const begun = useRef(false);
  const finish = useMutation(
    trpc.connections.finishConsent.mutationOptions({
      onSuccess: (finished) => {
        if (finished.kind === 'start-again') {
          window.location.assign(finished.url);
          return;
        }
        if (finished.trial.outcome === 'proved') forgetLink();
        setOutcome(finished.trial.outcome === 'proved' ? 'proved' : 'refused');
      },
    }),
  );
  const { mutate } = finish;
  useEffect(() => {
    // An answer is good once: React's second mount in development must not hand it in again.
    if (begun.current) return;
    begun.current = true;
    // The answer does its work once; it has no business in the address or the history of this window.
    window.history.replaceState(null, '', window.location.pathname);
    mutate(answer);
  }, [mutate, answer]);
  if (outcome === 'proved') return <LinkDone />;
  if (outcome === null && finish.error === null) return <Working />;
  return (
    <Card className="grid gap-3">
      <h1>{t('consentFailed')}</h1>
      {outcome === 'refused' && <p>{words('refused')}</p>}
      <ErrorNotice error={finish.error} />
      <Button asChild variant="primary" className="justify-self-start">
        <Link href={`/connect/${token}`}>{t('backToSetUp')}</Link>
      </Button>
    </Card>
  );
}
