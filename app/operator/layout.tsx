import { getTranslations } from 'next-intl/server';
import type { ReactNode } from 'react';
import { PortalFrame } from '#components/shell/portal-frame.tsx';
import { pageCaller } from '#components/trpc/server.tsx';

/** The portal of the operator. Numbers beside its tabs say what waits there. */
export default async function OperatorPortal({ children }: { children: ReactNode }) {
  const t = await getTranslations('operations.nav');
  return (
    <PortalFrame
      kind="operator"
      organisationId={null}
      nav={async (_roles, base) => {
        const waiting = await (await pageCaller()).operations.overview({}).catch(() => null);
        return [
          { href: base, label: t('overview'), exact: true },
          { href: `${base}/schools`, label: t('schools'), waiting: waiting?.inReview },
          { href: `${base}/agreements`, label: t('agreements'), waiting: waiting?.toCountersign },
          { href: `${base}/agents`, label: t('agents'), waiting: waiting?.agentsToReview },
          { href: `${base}/health`, label: t('health') },
          { href: `${base}/jobs`, label: t('jobs') },
          { href: `${base}/audit`, label: t('audit') },
          { href: `${base}/people`, label: t('people') },
        ];
      }}
    >
      {children}
    </PortalFrame>
  );
}
