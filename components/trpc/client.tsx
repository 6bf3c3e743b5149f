'use client';

import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { createTRPCContext } from '@trpc/tanstack-react-query';
import { type ReactNode, useState } from 'react';
import superjson from 'superjson';
import type { AppRouter } from '#server/trpc/root.ts';
import { makeQueryClient } from './query-client.ts';

const { TRPCProvider: Provider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>();

export { useTRPC, useTRPCClient };

let browserClient: QueryClient | undefined;
function queryClient(): QueryClient {
  if (typeof window === 'undefined') return makeQueryClient();
  browserClient ??= makeQueryClient();
  return browserClient;
}

/** Gives pages `useTRPC()`. `linkToken` is the token in the address of a page that needs no account. */
export function TRPCProvider({ children, linkToken }: { children: ReactNode; linkToken?: string }) {
  const client = queryClient();
  const [trpcClient] = useState(() =>
    createTRPCClient<AppRouter>({
      links: [
        httpBatchLink({
          url: '/api/trpc',
          transformer: superjson,
          // What is asked for can be somebody's name: it stands in a body, never in an address that a proxy writes down.
          methodOverride: 'POST',
          headers: () => (linkToken === undefined ? {} : { 'x-crosswalk-link': linkToken }),
        }),
      ],
    }),
  );
  return (
    <QueryClientProvider client={client}>
      <Provider trpcClient={trpcClient} queryClient={client}>
        {children}
      </Provider>
    </QueryClientProvider>
  );
}
