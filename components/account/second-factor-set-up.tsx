'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { type FormEvent, useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Copyable } from '#components/ui/copyable.tsx';
import { ErrorNotice, useErrorText } from '#components/ui/error-notice.tsx';
import { CodeField } from './code-field.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';

/** Three steps on one page: scan, prove, keep the recovery codes. */
export function SecondFactorSetUp({ next }: { next: string }) {
  const t = useTranslations('people.setUp');
  const trpc = useTRPC();
  const errorText = useErrorText();
  const [code, setCode] = useState('');
  const begin = useMutation(trpc.people.beginTotp.mutationOptions());
  const confirm = useMutation(trpc.people.confirmTotp.mutationOptions());
  if (confirm.data !== undefined) {
    return <RecoveryCodes codes={confirm.data.recoveryCodes} onKept={() => window.location.assign(next)} />;
  }
  if (begin.data === undefined) {
    return (
      <div className="grid gap-4">
        <p>{t('what')}</p>
        <ErrorNotice error={begin.error} />
        <div>
          <Button variant="primary" pending={begin.isPending} onClick={() => begin.mutate({})}>
            {t('begin')}
          </Button>
        </div>
      </div>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate({ code });
  };
  return (
    <form onSubmit={submit} className="grid gap-5">
      <ol className="grid gap-5">
        <li className="grid gap-3">
          <h2>{t('scan')}</h2>
          {/* biome-ignore lint/performance/noImgElement: an inline picture that no image service must see */}
          <img
            src={`data:image/svg+xml;base64,${btoa(begin.data.qr)}`}
            alt={t('qrAlt')}
            className="size-52 rounded-control bg-[#fff] p-1"
          />
          <p className="text-ink-2 text-sm">{t('typeInstead')}</p>
          <div>
            <Copyable text={begin.data.secret} label={t('secretLabel')} />
          </div>
        </li>
        <li className="grid gap-3">
          <h2>{t('prove')}</h2>
          <CodeField
            value={code}
            onChange={setCode}
            error={confirm.error === null ? undefined : errorText(confirm.error)}
          />
        </li>
      </ol>
      <div>
        <Button type="submit" variant="primary" pending={confirm.isPending}>
          {t('confirm')}
        </Button>
      </div>
    </form>
  );
}
