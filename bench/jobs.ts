import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { z } from 'zod';
import { type Bench, quantile, rounded } from './lib/bench.ts';
import { scratchDatabase } from './lib/scratch-database.ts';

const runs = 200;
const stepsPerRun = 10;
const singles = 50;

export const bench: Bench = {
  about: `The embedded executor: ${runs} runs of ${stepsPerRun} empty steps at once, ${singles} single ones in turn, and how soon it is ready.`,
  run: async (say) => {
    const database = await scratchDatabase();
    const sql = postgres(database.adminUrl, { max: 2, onnotice: () => undefined });
    const eventKey = randomBytes(16).toString('hex');
    let child: ChildProcess | null = null;
    try {
      const began = performance.now();
      const started = await startChild(database.syncUrl, eventKey);
      child = started.child;
      const startMs = performance.now() - began;
      say(`ready after ${Math.round(startMs)} ms`);

      const send = async (name: string, count: number) => {
        const response = await fetch(`${started.origin}/e/${eventKey}`, {
          method: 'POST',
          body: JSON.stringify(Array.from({ length: count }, () => ({ name }))),
        });
        if (!response.ok) throw new Error(`the event API answered ${response.status}`);
        await response.body?.cancel();
      };
      const completed = async (functionId: string): Promise<number> => {
        const rows =
          await sql`select count(*) as n from jobs.run where function_id = ${functionId} and state = 'completed'`;
        return z.array(z.object({ n: z.coerce.number() })).parse(rows)[0]?.n ?? 0;
      };
      const untilCompleted = async (functionId: string, count: number, everyMs: number) => {
        while ((await completed(functionId)) < count) await wait(everyMs);
      };

      await send('bench/ten', 10);
      await untilCompleted('bench-ten-steps', 10, 20);

      const before = performance.now();
      await send('bench/ten', runs);
      const taken = performance.now() - before;
      await untilCompleted('bench-ten-steps', 10 + runs, 20);
      const seconds = (performance.now() - before) / 1_000;
      say(`${runs * stepsPerRun} steps in ${rounded(seconds)} s`);

      const latencies: number[] = [];
      for (let single = 1; single <= singles; single++) {
        const from = performance.now();
        await send('bench/one', 1);
        await untilCompleted('bench-one-step', single, 1);
        latencies.push(performance.now() - from);
      }
      return {
        startMs: Math.round(startMs),
        stepsPerSecond: rounded((runs * stepsPerRun) / seconds),
        eventsTakenPerSecond: rounded(runs / (taken / 1_000)),
        eventToEndMsMedian: rounded(quantile(latencies, 0.5)),
        eventToEndMs95: rounded(quantile(latencies, 0.95)),
      };
    } finally {
      if (child !== null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      await sql.end();
      await database.drop();
    }
  },
};

async function startChild(syncUrl: string, eventKey: string): Promise<{ child: ChildProcess; origin: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./lib/jobs-worker.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      NODE_ENV: 'production',
      PATH: process.env.PATH ?? '',
      BENCH_DATABASE_URL: syncUrl,
      BENCH_SIGNING_KEY: `signkey-bench-${randomBytes(32).toString('hex')}`,
      BENCH_EVENT_KEY: eventKey,
    },
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before it was ready`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      const origin = /ready (\S+)/.exec(chunk.toString())?.[1];
      if (origin !== undefined) resolve({ child, origin });
    });
  });
}
