import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { readerOf } from '#components/school/reader.ts';
import { SettingsView } from '#components/sync-settings/settings-view.tsx';
import { Hydrate, orRefuse, pageCaller, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; systemId: string }>;
}

export async function generateMetadata({ params }: Address): Promise<Metadata> {
  const { system } = await orRefuse((await pageCaller()).syncSettings.page(await params));
  const t = await getTranslations('syncSettings');
  return { title: t('title', { system: system.name }) };
}

/** How one system is synced. */
export default async function SyncSettingsPage({ params }: Address) {
  const input = await params;
  const { roles } = await readerOf(input.schoolId);
  await prefetch(
    trpc.syncSettings.page.queryOptions(input),
    `/school/${input.schoolId}/systems/${input.systemId}/sync`,
  );
  await prefetch(trpc.packages.source.queryOptions(input), `/school/${input.schoolId}/systems/${input.systemId}/sync`);
  return (
    <Hydrate>
      <SettingsView {...input} roles={roles} />
    </Hydrate>
  );
}
