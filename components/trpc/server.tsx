import 'server-only';
import { dehydrate, type FetchQueryOptions, HydrationBoundary, type QueryKey } from '@tanstack/react-query';
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { headers } from 'next/headers';
import { forbidden, notFound, redirect } from 'next/navigation';
import { cache, type ReactNode } from 'react';
import type { Context } from '#server/kernel/context.ts';
import { type CrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { createContext } from '#server/trpc/context.ts';
import { appRouter, createCaller } from '#server/trpc/root.ts';
import { makeQueryClient } from './query-client.ts';

/** The context of the page being rendered, made once per request. */
export const pageContext: () => Promise<Context> = cache(async () => createContext({ headers: await headers() }));

const pageQueryClient = cache(makeQueryClient);

/** Query options for `prefetch` in server components: the same procedures, called without HTTP. */
export const trpc = createTRPCOptionsProxy({ ctx: pageContext, router: appRouter, queryClient: pageQueryClient });

/** A caller that answers server components; a refusal becomes the page that fits it. */
export const pageCaller = cache(async () => createCaller(await pageContext()));

/** Awaits a procedure in a server component: not signed in goes to the sign-in, forbidden and unknown to their pages. */
export async function orRefuse<T>(answer: Promise<T>, here?: string): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    return refuse(error, here);
  }
}

function refuse(error: unknown, here?: string): never {
  const ours: CrosswalkError = toCrosswalkError(
    error instanceof Error && error.cause !== undefined ? error.cause : error,
  );
  const back = here === undefined ? '' : `?next=${encodeURIComponent(here)}`;
  if (ours.code === 'not-signed-in') redirect(`/sign-in${back}`);
  if (ours.code === 'second-factor-needed') redirect(`/sign-in/second-factor${back}`);
  if (ours.code === 'not-found' || ours.code === 'invalid-input') notFound();
  if (ours.code === 'forbidden') forbidden();
  throw error;
}

/** Carries what this page has prefetched over to the browser. */
export function Hydrate({ children }: { children: ReactNode }) {
  return <HydrationBoundary state={dehydrate(pageQueryClient())}>{children}</HydrationBoundary>;
}

/** Reads ahead for the client components below; `await` it so that the first paint has the data. */
export function prefetch<Data, Failure, Selected, Key extends QueryKey>(
  options: FetchQueryOptions<Data, Failure, Selected, Key>,
  here?: string,
): Promise<unknown> {
  return orRefuse(pageQueryClient().fetchQuery(options), here);
}
