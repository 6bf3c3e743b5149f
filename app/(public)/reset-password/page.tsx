import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { AskForResetForm } from '#components/account/ask-for-reset-form.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('people.reset'))('title') };
}

/** A forgotten password. */
export default async function ForgottenPassword() {
  const t = await getTranslations('people.reset');
  return (
    <PlainShell>
      <div className="grid gap-5">
        <h1>{t('title')}</h1>
        <AskForResetForm />
      </div>
    </PlainShell>
  );
}
