import { getTranslations } from 'next-intl/server';
import type { ReactNode } from 'react';
import { InboxCount } from '#components/school/inbox-count.tsx';
import { PortalFrame } from '#components/shell/portal-frame.tsx';

/** The portal of a school. */
export default async function SchoolPortal({
  children,
  params,
}: {
  children: ReactNode;
  params: Promise<{ schoolId: string }>;
}) {
  const { schoolId } = await params;
  const t = await getTranslations('schoolPortal');
  return (
    <PortalFrame
      kind="school"
      organisationId={schoolId}
      nav={async (_roles, base) => [
        { href: base, label: t('nav.connections'), exact: true },
        { href: `${base}/inbox`, label: t('nav.inbox'), badge: <InboxCount schoolId={schoolId} /> },
        { href: `${base}/data`, label: t('nav.data') },
        { href: `${base}/agreements`, label: t('nav.agreements') },
        { href: `${base}/people`, label: t('nav.people') },
        { href: `${base}/activity`, label: t('nav.activity') },
      ]}
    >
      {children}
    </PortalFrame>
  );
}
