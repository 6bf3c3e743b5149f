import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { cell, TableFrame, wideCell } from '#components/operator/table-frame.tsx';
import { VerifyTrail } from '#components/operator/verify-trail.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';

interface Address {
  readonly searchParams: Promise<{ before?: string | string[] }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.audit'))('title') };
}

const actorKinds = ['anonymous', 'system', 'job', 'user', 'link'] as const;

/** The operator's own chain of decisions, and whether it is sound. */
export default async function AuditTrail({ searchParams }: Address) {
  const { before } = await searchParams;
  const beforeSeq = Math.trunc(Number(typeof before === 'string' ? before : '')) || undefined;
  const { entries, more } = await orRefuse(
    (await pageCaller()).operations.auditTrail(beforeSeq === undefined || beforeSeq < 1 ? {} : { beforeSeq }),
    '/operator/audit',
  );
  const t = await getTranslations('operations.audit');
  const who = (entry: (typeof entries)[number]) => {
    const kind = actorKinds.find((one) => one === entry.actorKind) ?? 'system';
    return t(`actor.${kind}`, { name: entry.actorName ?? '' });
  };
  const last = entries.at(-1);
  return (
    <>
      <PageHeader title={t('title')} standing={t('standing')} />
      <div className="grid gap-4">
        <Card>
          <VerifyTrail />
        </Card>
        {entries.length === 0 ? (
          <EmptyState title={t('empty')} />
        ) : (
          <TableFrame caption={t('caption')}>
            <thead className="text-ink-2 text-sm">
              <tr>
                <th scope="col" className={`${cell} text-right`}>
                  {t('seq')}
                </th>
                <th scope="col" className={cell}>
                  {t('what')}
                </th>
                <th scope="col" className={wideCell}>
                  {t('who')}
                </th>
                <th scope="col" className={cell}>
                  {t('at')}
                </th>
                <th scope="col" className={wideCell}>
                  {t('details')}
                </th>
                <th scope="col" className={wideCell}>
                  {t('hash')}
                </th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.id} className="[&:last-child>td]:border-0">
                  <td className={`${cell} text-right tabular-nums`}>{entry.seq}</td>
                  <td className={cell}>
                    <code className="break-words font-mono text-sm">{entry.action}</code>
                    <span className="block text-ink-2 text-sm md:hidden">{who(entry)}</span>
                  </td>
                  <td className={wideCell}>{who(entry)}</td>
                  <td className={`${cell} whitespace-nowrap`}>
                    <RelativeTime at={entry.at} />
                  </td>
                  <td className={`${wideCell} max-w-80 break-words text-ink-2 text-sm`}>
                    {Object.entries(entry.details)
                      .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`)
                      .join(' · ')}
                  </td>
                  <td className={wideCell}>
                    <code className="font-mono text-ink-2 text-sm" title={entry.hash}>
                      {entry.hash.slice(0, 12)}…
                    </code>
                  </td>
                </tr>
              ))}
            </tbody>
          </TableFrame>
        )}
        <div className="flex flex-wrap gap-2">
          {beforeSeq !== undefined && (
            <Button asChild size="small">
              <Link href="/operator/audit">{t('newest')}</Link>
            </Button>
          )}
          {more && last !== undefined && (
            <Button asChild size="small">
              <Link href={`/operator/audit?before=${last.seq}`}>{t('older')}</Link>
            </Button>
          )}
        </div>
      </div>
    </>
  );
}
