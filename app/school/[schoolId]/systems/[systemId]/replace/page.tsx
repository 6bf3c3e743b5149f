import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ReplaceView } from '#components/replace-system/replace-view.tsx';
import { readerOf } from '#components/school/reader.ts';
import { Hydrate, orRefuse, pageCaller, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; systemId: string }>;
}

export async function generateMetadata({ params }: Address): Promise<Metadata> {
  const { system } = await orRefuse((await pageCaller()).replaceSystem.page(await params));
  const t = await getTranslations('replaceSystem');
  return { title: t('title', { system: system.name }) };
}

/** A new SIS in place of an old one. */
export default async function ReplacePage({ params }: Address) {
  const input = await params;
  const { roles } = await readerOf(input.schoolId);
  await prefetch(
    trpc.replaceSystem.page.queryOptions(input),
    `/school/${input.schoolId}/systems/${input.systemId}/replace`,
  );
  await prefetch(
    trpc.packages.source.queryOptions(input),
    `/school/${input.schoolId}/systems/${input.systemId}/replace`,
  );
  return (
    <Hydrate>
      <ReplaceView {...input} roles={roles} />
    </Hydrate>
  );
}
