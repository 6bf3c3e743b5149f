'use client';

import { useTranslations } from 'next-intl';
import { Copyable } from '#components/ui/copyable.tsx';
import { Facts } from '#components/ui/facts.tsx';

/** What an LMS is entered with, the secret this once. */
export function IssuedClient({
  issued,
}: {
  issued: { clientId: string; clientSecret: string; tokenUrl: string; rosterUrl: string; olderRosterUrl: string };
}) {
  const t = useTranslations('consumerClient');
  return (
    <Facts
      items={[
        [t('clientId'), <Copyable key="id" text={issued.clientId} label={t('clientId')} />],
        [t('secret'), <Copyable key="secret" text={issued.clientSecret} label={t('secret')} />],
        [t('tokenUrl'), <Copyable key="token" text={issued.tokenUrl} label={t('tokenUrl')} />],
        [t('rosterUrl'), <Copyable key="roster" text={issued.rosterUrl} label={t('rosterUrl')} />],
        [t('olderRosterUrl'), <Copyable key="older" text={issued.olderRosterUrl} label={t('olderRosterUrl')} />],
      ]}
    />
  );
}
