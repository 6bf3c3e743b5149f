import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ConnectSystemForm } from '#components/school/connect-system-form.tsx';
import { readerOf } from '#components/school/reader.ts';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string }>;
  readonly searchParams: Promise<{ kind?: string | string[] }>;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('connectSystem');
  return { title: t('title') };
}

/** A SIS or LMS is added. */
export default async function ConnectSystem({ params, searchParams }: Address) {
  const { schoolId } = await params;
  const { kind } = await searchParams;
  const reader = await readerOf(schoolId);
  const here = `/school/${schoolId}/systems/new`;
  await Promise.all([
    prefetch(trpc.systems.toAdd.queryOptions({}), here),
    prefetch(trpc.connections.schoolGraph.queryOptions({ schoolId }), here),
  ]);
  return (
    <Hydrate>
      <ConnectSystemForm
        schoolId={schoolId}
        roles={reader.roles}
        kind={kind === 'sis' || kind === 'lms' ? kind : null}
      />
    </Hydrate>
  );
}
