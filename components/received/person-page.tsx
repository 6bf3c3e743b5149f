'use client';

import { useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useFormatter, useTranslations } from 'next-intl';
import { lookOfConnection } from '#components/connections/state-look.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Ask, Section } from '#components/ui/card.tsx';
import { Copyable } from '#components/ui/copyable.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day, RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { WithholdPerson } from '#components/withheld/withhold-person.tsx';
import { type Scope, scopes } from '#db/schema/vocabulary.ts';
import { FieldChanges, useFieldWords } from './field-words.tsx';
import { RecordState } from './record-name.tsx';

type Person = Outputs['data']['person'];
type Grant = Person['grants'][number];

const isScope = (text: string): text is Scope => scopes.some((scope) => scope === text);
/** Where somebody of a kind stands in the lists. */
const listOf = { student: 'students', teacher: 'teachers', guardian: 'guardians', other: 'others' } as const;

/** One person of the roster, and first of all: who can see him. */
export function PersonPage({ schoolId, personId }: { schoolId: string; personId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolData.person');
  const data = useTranslations('schoolData');
  const format = useFormatter();
  const router = useRouter();
  const { data: person } = useSuspenseQuery(trpc.data.person.queryOptions({ schoolId, personId }));
  const receiving = person.grants.filter(({ reaches, state }) => reaches === 'yes' && state !== 'paused');
  const kinds = person.kinds.length === 0 ? [person.kind] : person.kinds;
  const word = useFieldWords();
  const shown = person.name === '' ? person.sourceId : person.name;
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}/data?show=${listOf[person.kind]}`} className="text-ink-2">
            {data(`collection.${listOf[person.kind]}`)}
          </Link>
        }
        title={shown}
        standing={
          <>
            <RecordState record={{ ...person, withheld: person.withheld !== null }} className="mr-2" />
            {format.list(kinds.map((kind) => (t.has(`kind.${kind}`) ? t(`kind.${kind}`) : kind)))}
            {' · '}
            {t('seenBy', { count: person.withheld === null && person.goneAt === null ? receiving.length : 0 })}
          </>
        }
        action={
          person.withheld === null ? (
            <WithholdPerson
              schoolId={schoolId}
              personId={person.id}
              name={shown}
              onDone={() => router.push(`/school/${schoolId}/data/withheld`)}
            />
          ) : undefined
        }
      />
      <div className="grid gap-4">
        {person.withheld !== null && (
          <Ask>
            <strong className="block">{t('withheld')}</strong>
            <span className="text-ink-2">
              {t.rich('withheldSince', {
                by: person.withheld.by ?? '',
                when: () => <RelativeTime at={person.withheld?.at ?? ''} />,
              })}
            </span>
          </Ask>
        )}
        {person.goneAt !== null && (
          <Ask>
            <strong className="block">{t('gone')}</strong>
            <span className="text-ink-2">{t('goneBody')}</span>
          </Ask>
        )}
        <WhoSees schoolId={schoolId} person={person} />
        <div className="grid items-start gap-4 lg:grid-cols-2">
          <Section title={t('kept')}>
            <Facts
              items={[...person.fields, ...person.demographics].map(({ field, values }) => [
                word(field),
                values.join('; '),
              ])}
            />
            {!person.enabled && <p className="text-ink-2">{t('disabled')}</p>}
            <Facts
              className="border-line border-t pt-3"
              items={[
                [data('details.system'), person.systemName],
                [
                  data('details.sourceId'),
                  <Copyable key="source" text={person.sourceId} label={data('details.sourceId')} />,
                ],
                [t('aliases'), person.aliases.length === 0 ? null : person.aliases.join(', ')],
                [data('details.ownId'), <Copyable key="own" text={person.id} label={data('details.ownId')} />],
                [data('details.firstSeen'), <RelativeTime key="first" at={person.firstSeenAt} />],
                [data('details.lastSeen'), <RelativeTime key="last" at={person.lastSeenAt} />],
                [
                  t('modified'),
                  person.sourceModifiedAt === null ? null : (
                    <RelativeTime key="modified" at={person.sourceModifiedAt} />
                  ),
                ],
              ]}
            />
          </Section>
          <div className="grid gap-4">
            <Enrolments schoolId={schoolId} person={person} />
            <Relatives schoolId={schoolId} person={person} />
          </div>
        </div>
        <History person={person} />
      </div>
    </>
  );
}

function WhoSees({ schoolId, person }: { schoolId: string; person: Person }) {
  const t = useTranslations('schoolData.person');
  const kinds = useTranslations('connections.consumer');
  const reaching = person.grants.filter(({ reaches }) => reaches === 'yes');
  const others = person.grants.filter(({ reaches }) => reaches !== 'yes');
  const nameOf = (grant: Grant) => (grant.consumerName === '' ? kinds(grant.consumerKind) : grant.consumerName);
  const address = (grant: Grant) => `/school/${schoolId}/connections/${grant.connectionId}`;
  return (
    <Section title={person.kinds.includes('student') ? t('whoSeesChild') : t('whoSees')}>
      {reaching.length === 0 ? (
        <p className="max-w-prose text-ink-2">{t('nobody')}</p>
      ) : (
        <ul className="grid gap-3">
          {reaching.map((grant) => (
            <li key={grant.grantId} className="rounded-control border border-line px-4 py-3">
              <GrantLine grant={grant} name={nameOf(grant)} href={address(grant)} />
            </li>
          ))}
        </ul>
      )}
      <p className="text-ink-2 text-sm">{t('besides')}</p>
      {others.length > 0 && (
        <details>
          <summary className="min-h-6 cursor-pointer text-accent">{t('others', { count: others.length })}</summary>
          <ul className="mt-2 grid gap-1.5 text-sm">
            {others.map((grant) => (
              <li key={grant.grantId}>
                <Link href={address(grant)} className="font-semibold">
                  {nameOf(grant)}
                </Link>{' '}
                <span className="text-ink-2">
                  {grant.reaches === 'no-scope'
                    ? t('noScope')
                    : t('elsewhere', { sites: grant.sites.join(', ') || t('groupsOnly') })}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Section>
  );
}

function GrantLine({ grant, name, href }: { grant: Grant; name: string; href: string }) {
  const t = useTranslations('schoolData.person');
  const words = useTranslations('connections');
  const word = useFieldWords();
  const format = useFormatter();
  return (
    <div className="grid gap-2">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <Link href={href} className="font-semibold">
          {name}
        </Link>
        <StateBadge look={lookOfConnection(grant.state, null, 'nobody')}>{words(`state.${grant.state}`)}</StateBadge>
      </div>
      {grant.state === 'paused' && <p className="text-ink-2 text-sm">{t('paused')}</p>}
      <ul className="grid gap-1">
        {grant.scopes.map(({ scope, fields, withoutFields }) => (
          <li key={scope}>
            <span className="font-semibold text-sm">{isScope(scope) ? words(`scope.${scope}`) : scope}</span>
            {fields.length > 0 && <span className="text-sm">: {format.list(fields.map(word))}</span>}
            {withoutFields.length > 0 && (
              <span className="text-ink-2 text-sm">
                {' '}
                {t('without', { fields: format.list(withoutFields.map(word), { type: 'disjunction' }) })}
              </span>
            )}
          </li>
        ))}
      </ul>
      <p className="text-ink-2 text-sm">
        {grant.sites.length === 0 ? t('allSites') : t('onlySites', { sites: format.list(grant.sites) })}{' '}
        {t.rich('until', { day: () => <Day on={grant.validUntil} /> })}{' '}
        {grant.lastSuppliedAt === null
          ? t('neverSupplied')
          : t.rich('supplied', { when: () => <RelativeTime at={grant.lastSuppliedAt ?? ''} /> })}
      </p>
      <p className="text-sm">
        <span className="text-ink-2">{t('purpose')}: </span>
        {grant.purpose}
      </p>
    </div>
  );
}

function Enrolments({ schoolId, person }: { schoolId: string; person: Person }) {
  const t = useTranslations('schoolData.person');
  const here = person.enrolments.filter(({ goneAt }) => goneAt === null);
  const past = person.enrolments.length - here.length;
  return (
    <Section title={t('groups', { count: here.length })}>
      {here.length === 0 ? (
        <p className="text-ink-2">{t('groupsNone')}</p>
      ) : (
        <ul className="grid gap-2">
          {here.map((enrolment) => (
            <li key={enrolment.id}>
              <Link href={`/school/${schoolId}/data/groups/${enrolment.groupId}`} className="font-semibold">
                {enrolment.title}
              </Link>
              <span className="block text-ink-2 text-sm">
                {[
                  t.has(`role.${enrolment.role}`) ? t(`role.${enrolment.role}`) : enrolment.role,
                  enrolment.subjectName,
                  enrolment.terms.join(', '),
                ]
                  .filter((part) => part !== null && part !== '')
                  .join(' · ')}
                {enrolment.endsOn !== null && (
                  <>
                    {' · '}
                    {t.rich('endsOn', { day: () => <Day on={enrolment.endsOn ?? ''} /> })}
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
      {past > 0 && <p className="text-ink-2 text-sm">{t('groupsPast', { count: past })}</p>}
    </Section>
  );
}

function Relatives({ schoolId, person }: { schoolId: string; person: Person }) {
  const t = useTranslations('schoolData.person');
  if (person.relatives.length === 0) return null;
  return (
    <Section title={person.kind === 'guardian' ? t('guardianOf') : t('guardians')}>
      <ul className="grid gap-1.5">
        {person.relatives.map((relative) => (
          <li key={relative.sourceId} className="[overflow-wrap:anywhere]">
            {relative.id === null ? (
              <span className="text-ink-2">{t('notKept', { id: relative.sourceId })}</span>
            ) : (
              <Link href={`/school/${schoolId}/data/people/${relative.id}`}>
                {relative.name === '' ? relative.sourceId : relative.name}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function History({ person }: { person: Person }) {
  const t = useTranslations('schoolData.person');
  const word = useFieldWords();
  const format = useFormatter();
  return (
    <Section title={t('history')}>
      {person.changes.length === 0 ? (
        <p className="text-ink-2">{t('historyNone')}</p>
      ) : (
        <ol className="grid gap-3">
          {person.changes.map((change) => (
            <li key={change.id} className="grid gap-1 border-line border-l-2 pl-3">
              <span>
                <strong>{t(`change.${change.kind}`)}</strong>{' '}
                <span className="text-ink-2 text-sm">
                  <RelativeTime at={change.at} />
                </span>
              </span>
              {change.fields.length > 0 ? (
                <FieldChanges fields={change.fields} />
              ) : (
                change.names.length > 0 && (
                  <span className="text-ink-2 text-sm">
                    {t('changeForgotten', { fields: format.list(change.names.map(word)) })}
                  </span>
                )
              )}
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}
