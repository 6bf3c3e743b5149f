import { getTranslations } from 'next-intl/server';
import { Skeleton } from '#components/ui/progress.tsx';

/** While a page of the school is read. */
export default async function Loading() {
  const t = await getTranslations('common');
  return (
    <div className="grid max-w-3xl gap-6">
      <p role="status" className="sr-only">
        {t('loading')}
      </p>
      <Skeleton lines={2} />
      <Skeleton lines={8} />
    </div>
  );
}
