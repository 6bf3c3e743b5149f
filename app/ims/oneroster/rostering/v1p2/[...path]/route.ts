import { webProcess } from '#server/trpc/context.ts';
import { answerRoster } from '#server/trpc/roster-handler.ts';

export const dynamic = 'force-dynamic';

export async function GET(request: Request, { params }: { params: Promise<{ path: string[] }> }): Promise<Response> {
  return answerRoster(await webProcess(), request, '1.2', (await params).path);
}
