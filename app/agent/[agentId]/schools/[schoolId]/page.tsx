import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { ArchiveButton } from '#components/agent/archive-button.tsx';
import { ConnectionsOfSchool } from '#components/agent/connections-of-school.tsx';
import { OwnRequests } from '#components/agent/own-requests.tsx';
import { SchoolProgress } from '#components/agent/school-progress.tsx';
import { StageBadge } from '#components/agent/stage-badge.tsx';
import { AgreementsTable } from '#components/agreements/agreements-table.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day } from '#components/ui/relative-time.tsx';

interface Address {
  readonly params: Promise<{ agentId: string; schoolId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.pipeline'))('school') };
}

const agreementAsks = ['draw-up', 'agreement-declined', 'agreement-ended', 'agreement-ends-soon'];

/** A school as its agent sees it: how far it has come, its agreements, and its connections by state and turn. */
export default async function SchoolOfAgent({ params }: Address) {
  const { agentId, schoolId } = await params;
  const base = `/agent/${agentId}/schools/${schoolId}`;
  const caller = await pageCaller();
  const known = await orRefuse(caller.schools.viewSchoolOfAgent({ agentId, schoolId }), base);
  const row = (await caller.schools.listPipeline({ agentId })).find((one) => one.schoolId === schoolId);
  const { agreements } = await caller.agreements.list({ agentId, schoolId });
  const inForce = agreements.some((one) => one.state === 'in-force' || one.state === 'notice-given');
  const connections = inForce ? await caller.connections.forAgent({ agentId, ofSchool: schoolId }) : [];
  const asked = inForce ? (await caller.connections.requestsOfAsker({ agentId, schoolId })).requests : [];
  const { mayChange: administrator } = await caller.people.listAgentMembers({ agentId });
  const t = await getTranslations('schools');
  const lists = await getTranslations('agreements.list');
  const open = asked.filter((one) => one.state === 'draft' || one.state === 'requested' || one.state === 'declined');
  const newest = agreements[0];
  const toDrawUp = row !== undefined && agreementAsks.includes(row.next);
  const primary =
    row === undefined ? undefined : toDrawUp ? (
      <Button asChild variant="primary">
        <Link href={`${base}/agreements/new`}>{lists('drawUp')}</Link>
      </Button>
    ) : (row.next === 'send-draft' || row.next === 'countersign') && newest !== undefined ? (
      <Button asChild variant="primary">
        <Link href={`${base}/agreements/${row.agreementId ?? newest.id}`}>{t(`next.${row.next}`)}</Link>
      </Button>
    ) : row.next === 'ask-for-connection' ? (
      <Button asChild variant="primary">
        <Link href={`${base}/ask`}>{t('school.ask')}</Link>
      </Button>
    ) : undefined;
  return (
    <>
      <PageHeader
        above={<Link href={`/agent/${agentId}`}>{t('pipeline.title')}</Link>}
        title={known.name}
        standing={
          row === undefined ? undefined : (
            <span className="flex flex-wrap items-center gap-x-3">
              <StageBadge stage={row.stage} />
              {t(`next.${row.next}`, { endsOn: row.endsOn ?? '' })}
            </span>
          )
        }
        action={primary}
      />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="grid gap-5">
          {row !== undefined && (
            <Section title={t('school.progress')}>
              <SchoolProgress row={row} />
            </Section>
          )}
          <section className="grid gap-3">
            <div className="flex flex-wrap items-center justify-between gap-3">
              <h2>{lists('title')}</h2>
              {agreements.length > 0 && !toDrawUp && (
                <Button asChild size="small">
                  <Link href={`${base}/agreements/new`}>{lists('drawUp')}</Link>
                </Button>
              )}
            </div>
            <AgreementsTable
              rows={agreements}
              base={`${base}/agreements`}
              empty={<EmptyState title={lists('none')}>{lists('noneBody')}</EmptyState>}
            />
          </section>
          <section className="grid gap-3">
            <div className="flex flex-wrap items-center justify-between gap-3">
              <h2>{t('school.connections')}</h2>
              {inForce && row?.next !== 'ask-for-connection' && (
                <Button asChild size="small">
                  <Link href={`${base}/ask`}>{t('school.ask')}</Link>
                </Button>
              )}
            </div>
            {connections.length > 0 ? (
              <>
                <ConnectionsOfSchool rows={connections} />
                <p className="text-ink-2 text-sm">{t('school.connectionsNote')}</p>
              </>
            ) : (
              <EmptyState title={t('school.connectionsNone')}>
                {t(inForce ? 'school.connectionsNoneBody' : 'school.connectionsNotYet')}
              </EmptyState>
            )}
            {open.length > 0 && (
              <>
                <h3>{t('requests.title')}</h3>
                <OwnRequests rows={open} agentId={agentId} schoolId={schoolId} administrator={administrator} />
              </>
            )}
          </section>
        </div>
        <Section
          title={t('school.details')}
          action={
            <Button asChild size="small">
              <Link href={`${base}/edit`}>{t('school.edit')}</Link>
            </Button>
          }
        >
          <Facts
            items={[
              [
                t('details.registerNumber'),
                t('school.number', { register: known.register, number: known.registerNumber }),
              ],
              [t('details.country'), known.country],
              [t('details.timeZone'), known.timeZone.replaceAll('_', ' ')],
              [t('school.sites'), known.sites.length === 0 ? null : known.sites.map((site) => site.name).join(', ')],
              [t('school.added'), <Day key="added" on={known.createdAt} />],
            ]}
          />
          {known.contacts.length > 0 && (
            <div className="grid gap-2">
              <h3>{t('school.people')}</h3>
              <ul className="grid gap-2">
                {known.contacts.map((contact) => (
                  <li key={contact.email} className="break-words">
                    {contact.name}
                    {contact.role !== '' && <span className="text-ink-2">, {contact.role}</span>}
                    <a href={`mailto:${contact.email}`} className="block text-sm">
                      {contact.email}
                    </a>
                    {contact.phone !== null && (
                      <a href={`tel:${contact.phone.replaceAll(/[^+0-9]/g, '')}`} className="block text-sm">
                        {contact.phone}
                      </a>
                    )}
                  </li>
                ))}
              </ul>
            </div>
          )}
          {known.note !== null && <p className="whitespace-pre-line break-words text-ink-2">{known.note}</p>}
          {!inForce && (
            <div>
              <ArchiveButton agentId={agentId} schoolId={schoolId} name={known.name} />
            </div>
          )}
        </Section>
      </div>
    </>
  );
}
