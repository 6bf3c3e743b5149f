import { handInPackage } from '#server/features/packages/hand-in.ts';
import { toCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { largestPackageBytes } from '#server/roster/receive-package.ts';
import { contextOfRequest, type WebProcess } from './context.ts';
import { isUploadOfOwnPage } from './same-origin.ts';

const noStore = { 'cache-control': 'no-store' };

/**
 * A package from a page of ours: the body is the zip as it stands, streamed, its name in the header `x-file-name` (percent-encoded). Answers
 * with what was found in it, or with `{ code, details }` and the status of the error.
 */
export async function answerUpload(
  web: Pick<WebProcess, 'database' | 'keyring' | 'clock' | 'baseUrl' | 'cookie' | 'logger'>,
  request: Request,
  of: { readonly schoolId: string; readonly systemId: string },
): Promise<Response> {
  if (!isUploadOfOwnPage(request, web.baseUrl)) {
    return Response.json({ code: 'forbidden', details: {} }, { status: 403, headers: noStore });
  }
  try {
    const headers = new Headers(request.headers);
    headers.set('x-request-id', newId());
    const ctx = await contextOfRequest(web, { headers });
    // Said before anything is read; what is said may be wrong, so it is counted too.
    const said = Number(request.headers.get('content-length') ?? 0);
    if (said > largestPackageBytes) {
      return Response.json(
        { code: 'package-too-large', details: { limit: '2 GiB' } },
        { status: 413, headers: { ...noStore, connection: 'close' } },
      );
    }
    const { files, problems, version, syncRunId, uploadId, bytes } = await handInPackage.fromWire({
      ctx,
      raw: { ...of, fileName: nameOf(request.headers), bytes: bytesOf(request) },
    });
    return Response.json({ uploadId, syncRunId, bytes, version, files, problems }, { headers: noStore });
  } catch (error) {
    const { code, details, http } = toCrosswalkError(error);
    if (http >= 500) web.logger.error('a package could not be taken in', { error });
    return Response.json({ code, details: http >= 500 ? {} : details }, { status: http, headers: noStore });
  }
}

function nameOf(headers: Headers): string {
  const given = headers.get('x-file-name') ?? '';
  try {
    return decodeURIComponent(given).slice(0, 200) || 'package.zip';
  } catch {
    return 'package.zip';
  }
}

async function* bytesOf({ body }: Request): AsyncGenerator<Uint8Array> {
  if (body !== null) yield* body;
}
