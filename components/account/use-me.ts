'use client';

import { useSuspenseQuery } from '@tanstack/react-query';
import { useTRPC } from '#components/trpc/client.tsx';

/** Who is signed in, with his account; null where that has ended meanwhile. */
export function useMe() {
  const trpc = useTRPC();
  const { data } = useSuspenseQuery(trpc.people.whoAmI.queryOptions({}));
  return data === null || data.account === null ? null : { ...data, account: data.account };
}
