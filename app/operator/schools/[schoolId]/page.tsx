import type { Metadata } from 'next';
import Link from 'next/link';
import { getFormatter, getTranslations } from 'next-intl/server';
import { AgreementsTable } from '#components/agreements/agreements-table.tsx';
import { Recovery } from '#components/operator/recovery.tsx';
import { RegisterDomainForm, TrustReview } from '#components/operator/trust-review.tsx';
import { VerifyTrail } from '#components/operator/verify-trail.tsx';
import { TrustBadge } from '#components/schools/trust-badge.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Section } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day, RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { trustStates } from '#db/schema/vocabulary.ts';

interface Address {
  readonly params: Promise<{ schoolId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.schools'))('name') };
}

/** A school as the operator sees it: who came aboard and what to check, agreements, the trail's soundness. No data. */
export default async function SchoolOfOperator({ params }: Address) {
  const { schoolId } = await params;
  const caller = await pageCaller();
  const seen = await orRefuse(caller.schools.viewSchoolForReview({ schoolId }), `/operator/schools/${schoolId}`);
  const { agreements } = await caller.agreements.list({ schoolId });
  const recoveries = await caller.people.listRecoveries({ schoolId });
  const t = await getTranslations('operations.review');
  const roles = await getTranslations('people.roles');
  const words = await getTranslations('schools');
  const lists = await getTranslations('agreements.list');
  const format = await getFormatter();
  const { school, members } = seen;
  const reviewing = school.trust !== 'trusted' && members.length > 0;
  return (
    <>
      <PageHeader
        above={<Link href="/operator/schools">{words('pipeline.title')}</Link>}
        title={reviewing ? t('title', { school: school.name }) : school.name}
        standing={
          <span className="flex flex-wrap items-center gap-x-3">
            <TrustBadge trust={school.trust} />
            {school.trust === 'trusted' && school.trustGround !== null
              ? t(`ground.${school.trustGround}`)
              : t(`standing.${school.trust}`)}
          </span>
        }
        action={
          reviewing ? (
            <TrustReview schoolId={schoolId} school={school.name} userIds={members.map((member) => member.userId)} />
          ) : undefined
        }
      />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_360px]">
        <div className="grid gap-5">
          <Section title={t('people')}>
            {members.length === 0 && <p className="text-ink-2">{t('nobody')}</p>}
            <ul className="grid gap-4">
              {members.map((member) => (
                <li key={member.userId} className="grid gap-1 border-line border-b pb-4 last:border-0 last:pb-0">
                  <p className="break-words">
                    <strong>{member.name}</strong> · {member.email}
                  </p>
                  <p className="text-ink-2 text-sm">
                    {format.list(member.roles.map((role) => roles(role)))}
                    {member.since !== null && (
                      <>
                        {' '}
                        · {t('joined')} <RelativeTime at={member.since} />
                      </>
                    )}
                    {member.invitedBy !== null &&
                      ` · ${t('invitedBy', { name: member.invitedBy.name, organisation: member.invitedBy.organisation })}`}
                    {member.invitedBy === null && member.confirmedAt !== null && ` · ${t('self')}`}
                  </p>
                  {reviewing && (
                    <div className="flex flex-wrap gap-x-4">
                      <StateBadge
                        look={school.registerDomain === null ? 'rest' : member.domainMatches ? 'live' : 'wait'}
                        className="whitespace-normal"
                      >
                        {t(school.registerDomain === null ? 'noDomain' : member.domainMatches ? 'matches' : 'differs')}
                      </StateBadge>
                      {member.publicDomain && (
                        <StateBadge look="wait" className="whitespace-normal">
                          {t('public', { domain: member.domain })}
                        </StateBadge>
                      )}
                      {member.agentsAddress && (
                        <StateBadge look="fail" className="whitespace-normal">
                          {t('agentsAddress')}
                        </StateBadge>
                      )}
                    </div>
                  )}
                </li>
              ))}
            </ul>
          </Section>
          {reviewing && (
            <Section title={t('check')}>
              <ol className="grid list-decimal gap-1.5 pl-5 marker:text-ink-2">
                <li>{t('checks.1')}</li>
                <li>{t('checks.2')}</li>
                <li>{t('checks.3')}</li>
              </ol>
            </Section>
          )}
          <section className="grid gap-3">
            <h2>{t('agreements')}</h2>
            <AgreementsTable
              rows={agreements}
              base={`/operator/schools/${schoolId}/agreements`}
              empty={<EmptyState title={lists('none')}>{lists('noneBody')}</EmptyState>}
            />
          </section>
        </div>
        <div className="grid gap-5">
          <Section title={t('register')}>
            <Facts
              items={[
                [
                  words('details.registerNumber'),
                  words('school.number', { register: school.register, number: school.registerNumber }),
                ],
                [
                  t('register'),
                  seen.registerEntry === null
                    ? t('registerNone')
                    : t('registerEntry', { name: seen.registerEntry.name }),
                ],
                [words('details.country'), school.country],
                [words('details.timeZone'), school.timeZone.replaceAll('_', ' ')],
                [words('school.added'), <Day key="since" on={school.createdAt} />],
                [t('note'), school.trustNote],
              ]}
            />
            <RegisterDomainForm schoolId={schoolId} domain={school.registerDomain} />
            {seen.doubles.map((double) => (
              <p key={double.id} className="rounded-control border border-fail bg-fail-bg px-3 py-2">
                <Link href={`/operator/schools/${double.id}`} className="font-semibold">
                  {t('double')}
                </Link>
                <span className="block text-sm">
                  {t('doubleValue', {
                    trust: words(`trust.${trustStates.find((state) => state === double.trust) ?? 'unverified'}`),
                    members: double.members,
                  })}
                </span>
              </p>
            ))}
          </Section>
          {seen.agents.length > 0 && (
            <Section title={t('agents')}>
              <ul className="grid gap-1">
                {seen.agents.map((agent) => (
                  <li key={agent.id}>
                    <Link href={`/operator/agents/${agent.id}`}>{agent.name}</Link>
                    {agent.inForce && <span className="text-ink-2"> · {t('agentInForce')}</span>}
                  </li>
                ))}
              </ul>
            </Section>
          )}
          <Section title={t('audit')}>
            <p className="text-ink-2">{t('auditBody')}</p>
            <VerifyTrail schoolId={schoolId} />
          </Section>
          {members.length > 0 && (
            <Section title={t('recovery')}>
              <Recovery schoolId={schoolId} rows={recoveries} />
            </Section>
          )}
        </div>
      </div>
    </>
  );
}
