/**
 * A body out of pieces of text; no more is held than the page. It is not compressed here: Next.js strips `Content-Encoding` from what a route
 * answers and compresses by itself where the caller takes it, so a body that is compressed already would be compressed twice.
 */
export async function writtenBody(pieces: AsyncIterable<string>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const text of pieces) chunks.push(Buffer.from(text));
  return Buffer.concat(chunks);
}
