import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { Operators } from '#components/operator/operators.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.people'))('title') };
}

export default async function PeopleOfOperator() {
  const { members, invitations } = await orRefuse((await pageCaller()).people.listOperators({}), '/operator/people');
  const t = await getTranslations('operations.people');
  return (
    <>
      <PageHeader title={t('title')} standing={t('standing', { count: members.length })} />
      <Operators members={members} invitations={invitations} />
    </>
  );
}
