import type { PushEntity } from '#server/connectors/push-contract.ts';
import type { Context } from '#server/kernel/context.ts';
import { type BegunPush, beginPush } from '#server/roster/push/begin-push.ts';
import { type Decided, decidePush } from '#server/roster/push/decide.ts';
import { type DeliverSlice, deliverSlice } from '#server/roster/push/deliver.ts';
import { failPush, finishPush } from '#server/roster/push/end-push.ts';
import type { PushKey } from '#server/roster/push/lease.ts';
import { enterForeignIds, type Followed, followPackage, submitPackage } from '#server/roster/push/package.ts';
import type { PushPorts } from '#server/roster/push/ports.ts';
import { type PushAt, type ReadSlice, readThere, refuseForeignImport } from '#server/roster/push/read-there.ts';

/** The steps of a push, as the job calls them: ids, words and numbers in and out. */
export interface PushWork {
  begin(run: PushKey & Acting): Promise<BegunPush>;
  refuseForeignImport(run: PushAt & Acting): Promise<void>;
  read(run: PushAt & Acting, from: { readonly entity: PushEntity; readonly page: number }): Promise<ReadSlice>;
  decide(run: PushAt & Acting): Promise<Decided>;
  announceHeld(run: PushAt & Acting): Promise<void>;
  deliver(run: PushAt & Acting, from: { readonly stage: number }): Promise<DeliverSlice>;
  /** @returns whether there was anything to hand over */
  submit(run: PushAt & Acting): Promise<boolean>;
  follow(run: PushAt & Acting): Promise<Followed>;
  enterIds(run: PushAt & Acting): Promise<void>;
  finish(run: PushAt & Acting): Promise<void>;
  fail(run: PushKey & Acting & { readonly fence: number | null }, code: string): Promise<void>;
}

/** The job's run, which stands as the actor in audit rows. */
interface Acting {
  readonly runId: string;
}

/**
 * Joins the push's stages, which run as the sync role, with what only the web role may do (tokens, states of connections, mail).
 * @param contexts a context for a job's run, with the database of either role
 */
export function createPushWork(
  contexts: { readonly sync: (runId: string) => Context; readonly web: (runId: string) => Context },
  ports: PushPorts,
): PushWork {
  const portsOf = (runId: string): PushPorts => ({
    factsOf: ports.factsOf,
    withPush: (_ctx, use, run) => ports.withPush(contexts.web(runId), use, run),
    provePush: (_ctx, use) => ports.provePush(contexts.web(runId), use),
    onPushDone: (_ctx, outcome) => ports.onPushDone(contexts.web(runId), outcome),
    onPushHeld: (_ctx, outcome) => ports.onPushHeld(contexts.web(runId), outcome),
    onPushFailed: (_ctx, outcome) => ports.onPushFailed(contexts.web(runId), outcome),
    onPushEnded: (_ctx, outcome) => ports.onPushEnded(contexts.web(runId), outcome),
  });
  const { sync } = contexts;
  return {
    begin: (run) => beginPush(sync(run.runId), ports, run),
    refuseForeignImport: (run) => refuseForeignImport(sync(run.runId), portsOf(run.runId), run),
    read: (run, from) => readThere(sync(run.runId), portsOf(run.runId), run, from),
    decide: (run) => decidePush(sync(run.runId), run),
    announceHeld: ({ runId, schoolId, pushRunId, connectionId }) =>
      ports.onPushHeld(contexts.web(runId), { schoolId, pushRunId, connectionId }),
    deliver: (run, from) => deliverSlice(sync(run.runId), portsOf(run.runId), run, from),
    submit: (run) => submitPackage(sync(run.runId), portsOf(run.runId), run),
    follow: (run) => followPackage(sync(run.runId), portsOf(run.runId), run),
    enterIds: (run) => enterForeignIds(sync(run.runId), run),
    finish: (run) => finishPush(sync(run.runId), portsOf(run.runId), run),
    fail: (run, code) => failPush(sync(run.runId), portsOf(run.runId), run, code),
  };
}
