import { createHash } from 'node:crypto';
import { z } from 'zod';

/**
 * Finds a chain of `next` links that goes round, whatever its length, in constant memory (Brent's algorithm): small
 * enough to travel in a cursor, so that it also holds when the chain is followed in slices.
 */
export const trailSchema = z.object({ anchor: z.string(), steps: z.int().min(0), power: z.int().min(1) });
export type Trail = Readonly<z.infer<typeof trailSchema>>;

const mark = (url: string) => createHash('sha256').update(url).digest('base64url').slice(0, 16);

export const startTrail = (url: string): Trail => ({ anchor: mark(url), steps: 0, power: 1 });

/** The trail one link further, or null where this link has been followed before. */
export function follow(trail: Trail, url: string): Trail | null {
  const here = mark(url);
  if (here === trail.anchor) return null;
  const steps = trail.steps + 1;
  return steps === trail.power ? { anchor: here, steps: 0, power: trail.power * 2 } : { ...trail, steps };
}
