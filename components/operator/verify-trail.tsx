'use client';

import { useQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';

/** Walks a chain when asked and says whether it is sound, or where it first is not. */
export function VerifyTrail({ schoolId }: { schoolId?: string }) {
  const t = useTranslations('operations');
  const trpc = useTRPC();
  const verify = useQuery({
    ...trpc.operations.verifyAuditTrail.queryOptions(schoolId === undefined ? {} : { schoolId }),
    enabled: false,
    retry: false,
  });
  const { data } = verify;
  return (
    <div className="grid gap-3">
      <div>
        <Button size="small" pending={verify.isFetching} onClick={() => void verify.refetch()}>
          {t(schoolId === undefined ? 'audit.verify' : 'review.verify')}
        </Button>
      </div>
      <div aria-live="polite" className="grid gap-1">
        {data?.ok === true && (
          <StateBadge look="live" className="whitespace-normal">
            {t('verify.ok', { entries: data.entries })}
          </StateBadge>
        )}
        {data?.ok === false && (
          <StateBadge look="fail" className="whitespace-normal">
            {t('verify.broken', { seq: data.firstBad.seq })}: {t(`verify.what.${data.firstBad.what}`)}
          </StateBadge>
        )}
        {data !== undefined && <p className="text-ink-2 text-sm">{t('verify.signed', { count: data.signedHeads })}</p>}
        {data !== undefined && data.badHeadLines > 0 && (
          <p className="font-semibold text-fail text-sm">{t('verify.badLines', { count: data.badHeadLines })}</p>
        )}
      </div>
      <ErrorNotice error={verify.error} />
    </div>
  );
}
