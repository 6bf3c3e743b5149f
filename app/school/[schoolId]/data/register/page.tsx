import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { RegisterOfAccess } from '#components/received/register-of-access.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolData.register');
  return { title: t('title') };
}

/** The register of who has what. */
export default async function RegisterPage({ params }: { params: Promise<{ schoolId: string }> }) {
  const { schoolId } = await params;
  await prefetch(trpc.connections.register.queryOptions({ schoolId }), `/school/${schoolId}/data/register`);
  return (
    <Hydrate>
      <RegisterOfAccess schoolId={schoolId} />
    </Hydrate>
  );
}
