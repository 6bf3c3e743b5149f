import { getTranslations } from 'next-intl/server';
import type { ReactNode } from 'react';
import { PortalFrame } from '#components/shell/portal-frame.tsx';

/** The portal of a sales agent. */
export default async function AgentPortal({
  children,
  params,
}: {
  children: ReactNode;
  params: Promise<{ agentId: string }>;
}) {
  const { agentId } = await params;
  const t = await getTranslations('schools.nav');
  return (
    <PortalFrame
      kind="agent"
      organisationId={agentId}
      nav={async (_roles, base) => [
        { href: base, label: t('schools'), exact: true },
        { href: `${base}/templates`, label: t('templates') },
        { href: `${base}/people`, label: t('people') },
      ]}
    >
      {children}
    </PortalFrame>
  );
}
