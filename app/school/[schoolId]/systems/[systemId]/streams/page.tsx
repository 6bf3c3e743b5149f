import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { readerOf } from '#components/school/reader.ts';
import { StreamsView } from '#components/streams/streams-view.tsx';
import { Hydrate, orRefuse, pageCaller, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; systemId: string }>;
}

export async function generateMetadata({ params }: Address): Promise<Metadata> {
  const { system } = await orRefuse((await pageCaller()).streams.page(await params));
  const t = await getTranslations('streams');
  return { title: t('title', { system: system.name }) };
}

/** A system's streams and what the school made of them. */
export default async function StreamsPage({ params }: Address) {
  const input = await params;
  const { roles } = await readerOf(input.schoolId);
  await prefetch(trpc.streams.page.queryOptions(input), `/school/${input.schoolId}/systems/${input.systemId}/streams`);
  await prefetch(
    trpc.packages.source.queryOptions(input),
    `/school/${input.schoolId}/systems/${input.systemId}/streams`,
  );
  return (
    <Hydrate>
      <StreamsView {...input} roles={roles} />
    </Hydrate>
  );
}
