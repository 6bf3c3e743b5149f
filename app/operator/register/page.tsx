import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { RegisterImport } from '#components/operator/register-import.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.registerImport'))('title') };
}

export default async function ImportRegister() {
  const t = await getTranslations('operations');
  return (
    <>
      <PageHeader
        above={<Link href="/operator/schools">{t('schools.title')}</Link>}
        title={t('registerImport.title')}
        standing={t('registerImport.standing')}
      />
      <RegisterImport />
    </>
  );
}
