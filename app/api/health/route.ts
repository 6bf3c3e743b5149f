import { health } from '#server/features/operations/health.ts';
import { webProcess } from '#server/trpc/context.ts';

export const dynamic = 'force-dynamic';

/** For load balancers and `npm start`: 200 while database and jobs work, 503 naming what is down. No detail beyond. */
export async function GET(): Promise<Response> {
  const report = await health(webProcess);
  return Response.json(report, {
    status: report.status === 'ok' ? 200 : 503,
    headers: { 'Cache-Control': 'no-store' },
  });
}
