import { createHash } from 'node:crypto';

/** Counts that this process has made, under everything that they depend on; the oldest go first. */
const counted = new Map<string, number>();
const most = 5_000;

/** A count under its key, made once: the key names grant, roster version and question. */
export async function totalOf(key: readonly string[], count: () => Promise<number>): Promise<number> {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest('base64');
  const known = counted.get(digest);
  if (known !== undefined) {
    counted.delete(digest);
    counted.set(digest, known);
    return known;
  }
  const total = await count();
  counted.set(digest, total);
  for (const oldest of counted.keys()) {
    if (counted.size <= most) break;
    counted.delete(oldest);
  }
  return total;
}
