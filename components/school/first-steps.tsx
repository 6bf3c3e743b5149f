'use client';

import { Check } from 'lucide-react';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { classNames } from '#components/ui/class-names.ts';

/** A school that has just arrived: three steps, which are done, and which is next. */
export function FirstSteps({
  schoolId,
  agreement,
  system,
  mayConnect,
}: {
  schoolId: string;
  agreement: boolean;
  system: boolean;
  mayConnect: boolean;
}) {
  const t = useTranslations('schoolHome.first');
  const base = `/school/${schoolId}`;
  const steps = [
    {
      key: 'agreement',
      done: agreement,
      title: t('agreement'),
      body: t('agreementBody'),
      action: t('agreementAction'),
      href: `${base}/agreements`,
    },
    {
      key: 'system',
      done: system,
      title: t('system'),
      body: t('systemBody'),
      action: mayConnect ? t('system') : null,
      href: `${base}/systems/new?kind=sis`,
    },
    {
      key: 'approve',
      done: false,
      title: t('approve'),
      body: t('approveBody'),
      action: t('approveAction'),
      href: `${base}/inbox`,
    },
  ];
  const current = steps.findIndex(({ done }) => !done);
  return (
    <Section title={t('title')}>
      <p className="max-w-prose text-ink-2">{t('lead')}</p>
      <ol className="mt-1 grid gap-3 md:grid-cols-3">
        {steps.map(({ key, done, title, body, action, href }, index) => {
          const isCurrent = index === current;
          return (
            <li
              key={key}
              aria-current={isCurrent ? 'step' : undefined}
              className={classNames(
                'grid content-start gap-2 rounded-card border p-4',
                isCurrent ? 'border-2 border-accent' : 'border-line',
              )}
            >
              <span className="flex items-center gap-2.5">
                <span
                  className={classNames(
                    'inline-flex size-7 shrink-0 items-center justify-center rounded-full font-semibold text-sm',
                    done ? 'bg-live-bg text-live' : isCurrent ? 'bg-accent text-on-accent' : 'bg-sunken text-ink-2',
                  )}
                >
                  {done ? <Check className="size-4" aria-hidden /> : index + 1}
                </span>
                <span className="text-ink-2 text-sm">{done ? t('done') : isCurrent ? t('now') : t('later')}</span>
              </span>
              <h3>{title}</h3>
              <p className="text-ink-2 text-sm">{body}</p>
              {isCurrent && action !== null && (
                <Button asChild variant="primary" className="justify-self-start">
                  <Link href={href}>{action}</Link>
                </Button>
              )}
            </li>
          );
        })}
      </ol>
    </Section>
  );
}
