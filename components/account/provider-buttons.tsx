import { getTranslations } from 'next-intl/server';
import { Button } from '#components/ui/button.tsx';
import { webProcess } from '#server/trpc/context.ts';
import { leaveForProvider } from './sign-in-actions.ts';

/** One button for each OpenID provider of this installation; nothing where there is none. */
export async function ProviderButtons({ next, invitation }: { next: string; invitation?: string }) {
  const { env } = await webProcess();
  if (env.oidc.length === 0) return null;
  const t = await getTranslations('people.signIn');
  return (
    <div className="grid gap-2">
      <p className="flex items-center gap-3 text-ink-2 text-sm before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
        {t('or')}
      </p>
      {env.oidc.map((provider) => (
        <form key={provider.id} action={leaveForProvider}>
          <input type="hidden" name="provider" value={provider.id} />
          <input type="hidden" name="next" value={next} />
          {invitation !== undefined && <input type="hidden" name="invitation" value={invitation} />}
          <Button type="submit" className="w-full">
            {t('with', { provider: provider.label })}
          </Button>
        </form>
      ))}
    </div>
  );
}
