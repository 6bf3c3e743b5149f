/**
 * `node sandbox/sis/serve-pages.ts --folder folder [--port 4390]`: serves what `write-pages.ts` wrote, as a process of its own. Prints
 * a line of JSON with its addresses and demo client when it is ready, and one with what it has cost when it is ended.
 */

import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startPrerendered } from './prerendered.ts';

const { values } = parseArgs({ options: { folder: { type: 'string' }, port: { type: 'string', default: '4390' } } });
const { folder, port } = z
  .object({ folder: z.string().min(1), port: z.coerce.number().int().min(0).max(65_535) })
  .parse(values);

const peer = await startPrerendered({ folder, port });
const { url, baseUrl, tokenUrl, client } = peer;
process.stdout.write(`${JSON.stringify({ url, baseUrl, tokenUrl, client })}\n`);
const stop = (): void => {
  process.stdout.write(`${JSON.stringify(peer.usage())}\n`);
  peer.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
