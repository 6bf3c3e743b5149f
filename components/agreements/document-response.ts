import 'server-only';
import { pageCaller } from '#components/trpc/server.tsx';
import { toCrosswalkError } from '#server/kernel/errors.ts';

/**
 * A file of an agreement as a download. Its type was told by its content when it came; the browser gets no chance to
 * think otherwise, and runs nothing in it.
 */
export async function documentResponse(key: {
  schoolId: string;
  agreementId: string;
  documentId: string;
  agentId?: string;
}): Promise<Response> {
  try {
    const file = await (await pageCaller()).agreements.readDocument(key);
    const plain = file.fileName.replaceAll(/[^\x20-\x7e]|["\\]/g, '_');
    return new Response(new Uint8Array(Buffer.from(file.base64, 'base64')), {
      headers: {
        'content-type': file.contentType,
        // RFC 6266 §4.3: the plain name for old readers, the true one in UTF-8.
        'content-disposition': `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(file.fileName)}`,
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, no-store',
      },
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return new Response(null, { status: toCrosswalkError(cause).http });
  }
}
