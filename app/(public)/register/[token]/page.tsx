import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { ConfirmRegistration } from '#components/schools/confirm-registration.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';

interface Address {
  readonly params: Promise<{ token: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.register'))('confirm'), referrer: 'no-referrer' };
}

/** The link of a registration: what it registers, and the one thing to do. */
export default async function Registration({ params }: Address) {
  const { token } = await params;
  const known = await (await pageCaller()).schools.viewRegistration({ token }).catch(() => null);
  const t = await getTranslations('schools.register');
  return (
    <PlainShell>
      <div className="grid gap-4">
        {known === null ? (
          <>
            <h1>{t('unusableTitle')}</h1>
            <p>{t('unusableBody')}</p>
            <div>
              <Button asChild variant="primary">
                <Link href="/register">{t('again')}</Link>
              </Button>
            </div>
          </>
        ) : (
          <>
            <h1>{t('confirmTitle', { school: known.schoolName })}</h1>
            <p className="break-words">
              {t('confirmBody', {
                name: known.personName,
                email: known.email,
                school: known.schoolName,
                number: known.registerNumber,
              })}
            </p>
            <ConfirmRegistration token={token} />
          </>
        )}
      </div>
    </PlainShell>
  );
}
