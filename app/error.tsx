'use client';

import { useTranslations } from 'next-intl';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { Button } from '#components/ui/button.tsx';

export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  const t = useTranslations('common');
  return (
    <PlainShell>
      <h1>{t('errorTitle')}</h1>
      <p className="mt-2 mb-5 text-ink-2">{t('errorBody', { reference: error.digest ?? '–' })}</p>
      <Button variant="primary" onClick={reset}>
        {t('tryAgain')}
      </Button>
    </PlainShell>
  );
}
