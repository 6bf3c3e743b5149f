'use client';

import { useQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';

/** How many things wait for the reader, beside the inbox's tab; true also right after one was done. */
export function InboxCount({ schoolId }: { schoolId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolPortal');
  const { data } = useQuery({ ...trpc.connections.inbox.queryOptions({ schoolId }), refetchInterval: 30_000 });
  const count = data?.items.length ?? 0;
  if (count === 0) return null;
  return (
    <span className="rounded-full bg-wait-bg px-1.5 font-semibold text-wait text-xs">
      <span aria-hidden>{count}</span>
      <span className="sr-only">{t('waiting', { count })}</span>
    </span>
  );
}
