import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { SecondFactorSwitch } from '#components/agent/second-factor-switch.tsx';
import { Operators } from '#components/operator/operators.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Section } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.people'))('title') };
}

export default async function PeopleOfOperator() {
  const { members, invitations, requiresTotp } = await orRefuse(
    (await pageCaller()).people.listOperators({}),
    '/operator/people',
  );
  const t = await getTranslations('operations.people');
  const words = await getTranslations('schools.people');
  return (
    <>
      <PageHeader title={t('title')} standing={t('standing', { count: members.length })} />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px]">
        <Operators members={members} invitations={invitations} />
        <Section title={words('second')}>
          <SecondFactorSwitch required={requiresTotp} />
        </Section>
      </div>
    </>
  );
}
