import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { PackagesView } from '#components/packages/packages-view.tsx';
import { readerOf } from '#components/school/reader.ts';
import { Hydrate, orRefuse, pageCaller, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; systemId: string }>;
}

export async function generateMetadata({ params }: Address): Promise<Metadata> {
  const { system } = await orRefuse((await pageCaller()).packages.page(await params));
  const t = await getTranslations('packages');
  return { title: t('title', { system: system.name }) };
}

/** Packages of one SIS that gives its data in files. */
export default async function PackagesPage({ params }: Address) {
  const input = await params;
  const { roles } = await readerOf(input.schoolId);
  await prefetch(
    trpc.packages.page.queryOptions(input),
    `/school/${input.schoolId}/systems/${input.systemId}/packages`,
  );
  await prefetch(
    trpc.packages.source.queryOptions(input),
    `/school/${input.schoolId}/systems/${input.systemId}/packages`,
  );
  return (
    <Hydrate>
      <PackagesView {...input} roles={roles} />
    </Hydrate>
  );
}
