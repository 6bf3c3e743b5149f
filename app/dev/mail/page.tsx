import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { keptMails } from '#server/features/mail/kept-mails.ts';
import { webProcess } from '#server/trpc/context.ts';

export const dynamic = 'force-dynamic';
export const metadata = { title: 'Mail' };

/** Every mail that the demo would have sent. Exists in demo mode only. */
export default async function KeptMail() {
  const { env, database } = await webProcess();
  if (env.mode !== 'demo') notFound();
  const mails = await keptMails(database);
  const t = await getTranslations('keptMail');
  return (
    <PlainShell wide>
      <PageHeader title={t('title')} standing={t('standing', { count: mails.length })} />
      {mails.length === 0 ? (
        <EmptyState title={t('emptyTitle')}>{t('emptyBody')}</EmptyState>
      ) : (
        <ul className="grid gap-3">
          {mails.map((mail) => (
            <li key={mail.id}>
              <details className="rounded-card border border-line bg-card">
                <summary className="flex min-h-12 cursor-pointer flex-wrap items-baseline gap-x-4 px-4 py-3">
                  <span className="font-semibold">{mail.subject}</span>
                  <span className="text-ink-2 text-sm">{t('to', { address: mail.toAddress })}</span>
                  <span className="ml-auto text-ink-2 text-sm">
                    <RelativeTime at={mail.createdAt} />
                  </span>
                </summary>
                <iframe
                  title={mail.subject}
                  srcDoc={mail.html}
                  // The link opens in the page itself, nothing else may run.
                  sandbox="allow-top-navigation-by-user-activation allow-popups allow-popups-to-escape-sandbox"
                  className="h-[30rem] w-full rounded-b-card border-line border-t bg-[white]"
                />
              </details>
            </li>
          ))}
        </ul>
      )}
    </PlainShell>
  );
}
