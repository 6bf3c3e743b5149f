import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { ImportList } from '#components/agent/import-list.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.import'))('title') };
}

const needed = ['name', 'register', 'register_number', 'country', 'time_zone'];
const others = ['sites', 'contact_name', 'contact_email', 'contact_role', 'contact_phone', 'note'];

export default async function ImportSchools({ params }: Address) {
  const { agentId } = await params;
  await orRefuse((await pageCaller()).organisations.viewAgent({ agentId }), `/agent/${agentId}/schools/import`);
  const t = await getTranslations('schools');
  const header = `${[...needed, ...others].join(',')}\r\n`;
  return (
    <>
      <PageHeader
        above={<Link href={`/agent/${agentId}`}>{t('pipeline.title')}</Link>}
        title={t('import.title')}
        standing={t('import.standing')}
      />
      <div className="grid gap-5">
        <Section
          title={t('import.columns')}
          className="max-w-3xl"
          action={
            <Button asChild size="small">
              <a href={`data:text/csv;charset=utf-8,${encodeURIComponent(header)}`} download="schools.csv">
                {t('import.template')}
              </a>
            </Button>
          }
        >
          <p className="break-words">
            {t('import.columnsBody', { needed: needed.join(', '), others: others.join(', ') })}
          </p>
        </Section>
        <ImportList agentId={agentId} />
      </div>
    </>
  );
}
