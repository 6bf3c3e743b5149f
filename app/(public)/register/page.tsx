import type { Metadata } from 'next';
import Link from 'next/link';
import { getLocale, getTranslations } from 'next-intl/server';
import { placeChoices } from '#components/schools/countries.ts';
import { RegisterForm } from '#components/schools/register-form.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.register'))('title') };
}

/** Where a school arrives by itself. */
export default async function Register() {
  const t = await getTranslations('schools.register');
  return (
    <PlainShell wide>
      <PageHeader
        title={t('title')}
        standing={
          <>
            {t('lead')} {t('haveAccount')} <Link href="/sign-in">{t('signIn')}</Link>
          </>
        }
      />
      <RegisterForm choices={placeChoices(await getLocale())} />
    </PlainShell>
  );
}
