import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { ResetForm } from '#components/account/reset-form.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('people.reset'))('newTitle'), referrer: 'no-referrer' };
}

/** A new password by the mailed link. */
export default async function NewPassword({ params }: { params: Promise<{ token: string }> }) {
  const { token } = await params;
  const { state } = await orRefuse((await pageCaller()).people.viewPasswordReset({ token }));
  const t = await getTranslations('people.reset');
  return (
    <PlainShell>
      <div className="grid gap-5">
        <h1>{state === 'open' ? t('newTitle') : t('unusableTitle')}</h1>
        {state === 'open' ? (
          <ResetForm token={token} />
        ) : (
          <>
            <p>{t(`unusable.${state}`)}</p>
            <div>
              <Button asChild variant="primary">
                <Link href="/reset-password">{t('again')}</Link>
              </Button>
            </div>
          </>
        )}
      </div>
    </PlainShell>
  );
}
