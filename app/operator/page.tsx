import type { Metadata } from 'next';
import Link from 'next/link';
import { getFormatter, getTranslations } from 'next-intl/server';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask, Card } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.overview'))('title') };
}

/** What waits for the operator, then how the marketplace stands. */
export default async function OperatorHome() {
  const counts = await orRefuse((await pageCaller()).operations.overview({}), '/operator');
  const t = await getTranslations('operations.overview');
  const format = await getFormatter();
  const asks = [
    {
      id: 'review',
      count: counts.inReview,
      href: '/operator/schools?trust=in-review',
      button: t('toReview'),
      look: 'wait',
    },
    {
      id: 'countersign',
      count: counts.toCountersign,
      href: '/operator/agreements',
      button: t('toCountersign'),
      look: 'wait',
    },
    { id: 'agents', count: counts.agentsToReview, href: '/operator/agents', button: t('toAgents'), look: 'wait' },
    { id: 'failing', count: counts.failing, href: '/operator/health', button: t('toHealth'), look: 'fail' },
  ] as const;
  const open = asks.filter((ask) => ask.count > 0);
  const waiting = counts.inReview + counts.toCountersign + counts.agentsToReview;
  return (
    <>
      <PageHeader title={t('title')} standing={waiting === 0 ? t('calm') : t('waits', { count: waiting })} />
      <div className="grid gap-4">
        {open.map((ask) => (
          <Ask
            key={ask.id}
            look={ask.look}
            action={
              <Button asChild variant={ask.id === open[0]?.id ? 'primary' : 'secondary'}>
                <Link href={ask.href}>{ask.button}</Link>
              </Button>
            }
          >
            <strong className="block">{t(ask.id, { count: ask.count, schools: counts.failingSchools })}</strong>
            <span className="text-ink-2">{t(`${ask.id}Body`)}</span>
          </Ask>
        ))}
        <Card>
          <dl className="grid gap-4 sm:grid-cols-3">
            {(
              [
                ['schools', counts.schools],
                ['live', counts.live],
                ['failingLabel', counts.failing],
              ] as const
            ).map(([label, value]) => (
              <div key={label} className="flex flex-col-reverse">
                <dt className="text-ink-2">{t(label)}</dt>
                <dd className="font-semibold text-2xl">{format.number(value)}</dd>
              </div>
            ))}
          </dl>
        </Card>
      </div>
    </>
  );
}
