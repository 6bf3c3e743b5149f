import { redirect } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { portalOf, signedInPerson } from '#components/shell/portal-frame.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';

/** After signing in: straight to one's own portal. Further ones are in the menu. */
export default async function Start() {
  const { organisations } = await signedInPerson('/start');
  const [first] = organisations.filter((organisation) => !organisation.suspended);
  if (first !== undefined) redirect(portalOf(first));
  const t = await getTranslations('places');
  return (
    <PlainShell>
      <EmptyState title={t('nowhereTitle')}>{t('nowhereBody')}</EmptyState>
    </PlainShell>
  );
}
