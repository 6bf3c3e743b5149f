import type { Metadata } from 'next';
import { forbidden } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { AskRequestForm } from '#components/school/ask-request-form.tsx';
import { readerOf } from '#components/school/reader.ts';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string }>;
  readonly searchParams: Promise<{
    system?: string | string[];
    request?: string | string[];
    lms?: string | string[];
  }>;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('askRequest');
  return { title: t('title') };
}

/** The school asks for a connection, or for a change of one, itself. */
export default async function AskRequest({ params, searchParams }: Address) {
  const { schoolId } = await params;
  const { system, request, lms } = await searchParams;
  const reader = await readerOf(schoolId);
  if (!reader.roles.includes('school-administrator')) forbidden();
  const here = `/school/${schoolId}/requests/new`;
  await Promise.all([
    prefetch(trpc.connections.requestsOfAsker.queryOptions({ schoolId }), here),
    prefetch(trpc.connections.schoolGraph.queryOptions({ schoolId }), here),
  ]);
  return (
    <Hydrate>
      <AskRequestForm
        schoolId={schoolId}
        systemId={typeof system === 'string' ? system : null}
        lmsId={typeof lms === 'string' ? lms : null}
        requestId={typeof request === 'string' ? request : null}
      />
    </Hydrate>
  );
}
