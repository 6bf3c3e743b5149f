import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { Button } from '#components/ui/button.tsx';

export default function Forbidden() {
  const t = useTranslations('common');
  const errors = useTranslations('errors');
  return (
    <PlainShell>
      <h1>{t('notFoundTitle')}</h1>
      <p className="mt-2 mb-5 text-ink-2">{errors('forbidden')}</p>
      <Button asChild variant="primary">
        <Link href="/start">{t('home')}</Link>
      </Button>
    </PlainShell>
  );
}
