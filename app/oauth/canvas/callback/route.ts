import { answerOfConsent } from '#server/features/connections/answer-of-consent.ts';
import { createContext } from '#server/trpc/context.ts';

export const dynamic = 'force-dynamic';

/** Where Canvas sends the administrator back; the exact redirect address of every developer key. */
export async function GET(request: Request): Promise<Response> {
  const ctx = await createContext({ headers: request.headers });
  const location = await answerOfConsent(ctx, new URL(request.url).searchParams);
  // The address holds a code: nobody after us gets to see it, and no cache keeps it.
  return new Response(null, {
    status: 303,
    headers: { Location: location, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' },
  });
}
