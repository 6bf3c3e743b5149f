'use client';

import { useQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useSyncExternalStore } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';

const never = () => () => undefined;

/**
 * How many things wait for the reader, beside the inbox's tab; true also right after one was done. Asked for in the browser
 * alone: on the server it would open the same query, empty, before a page below brings its own answer.
 */
export function InboxCount({ schoolId }: { schoolId: string }) {
  const inBrowser = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  return inBrowser ? <Count schoolId={schoolId} /> : null;
}

function Count({ schoolId }: { schoolId: string }) {
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
