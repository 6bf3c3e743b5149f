import type { Metadata } from 'next';
import { readerOf } from '#components/school/reader.ts';
import { SystemView } from '#components/school/system-view.tsx';
import { Hydrate, orRefuse, pageCaller, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; systemId: string }>;
  readonly searchParams: Promise<{ consent?: string | string[] }>;
}

export async function generateMetadata({ params }: Address): Promise<Metadata> {
  const { name } = await orRefuse((await pageCaller()).systems.page(await params));
  return { title: name };
}

/** One SIS or LMS of the school. */
export default async function SystemPage({ params, searchParams }: Address) {
  const input = await params;
  const { consent } = await searchParams;
  const reader = await readerOf(input.schoolId);
  await prefetch(trpc.systems.page.queryOptions(input), `/school/${input.schoolId}/systems/${input.systemId}`);
  await prefetch(trpc.packages.source.queryOptions(input), `/school/${input.schoolId}/systems/${input.systemId}`);
  return (
    <Hydrate>
      <SystemView {...input} roles={reader.roles} consent={typeof consent === 'string' ? consent : null} />
    </Hydrate>
  );
}
