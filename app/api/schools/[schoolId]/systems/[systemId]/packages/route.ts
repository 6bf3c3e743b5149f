import { webProcess } from '#server/trpc/context.ts';
import { answerUpload } from '#server/trpc/upload-handler.ts';

export const dynamic = 'force-dynamic';

export async function POST(
  request: Request,
  { params }: { params: Promise<{ schoolId: string; systemId: string }> },
): Promise<Response> {
  return answerUpload(await webProcess(), request, await params);
}
