import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { PushView } from '#components/push/push-view.tsx';
import { readerOf } from '#components/school/reader.ts';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('push');
  return { title: t('page.title') };
}

/** How a roster is pushed into an LMS: settings, the last pushes, what is ours over there. */
export default async function Push({ params }: { params: Promise<{ schoolId: string; connectionId: string }> }) {
  const input = await params;
  const reader = await readerOf(input.schoolId);
  await prefetch(
    trpc.push.page.queryOptions(input),
    `/school/${input.schoolId}/connections/${input.connectionId}/push`,
  );
  return (
    <Hydrate>
      <PushView {...input} roles={reader.roles} />
    </Hydrate>
  );
}
