import { describe, expect, it } from 'vitest';
import { newId } from '#server/kernel/ids.ts';
import { countsOf, viewOf } from './run-view.ts';

const now = new Date('2026-11-20T09:00:10Z');
const row = (more: Partial<Parameters<typeof viewOf>[0]> = {}): Parameters<typeof viewOf>[0] => ({
  id: newId(),
  systemId: newId(),
  trigger: 'hand',
  kind: 'full',
  uploadId: null,
  appliedAs: null,
  drift: null,
  sameAs: null,
  undoneAt: null,
  state: 'running',
  phase: 'fetch',
  progress: { groups: { fetched: 200, total: 700 }, sites: { fetched: 100, total: 100 } },
  errorCode: null,
  errorDetails: null,
  createdAt: now,
  startedAt: new Date('2026-11-20T09:00:00Z'),
  finishedAt: null,
  ...more,
});

describe('a run as a page shows it', () => {
  it('counts in the order of reading, with rate and time left while it fetches', () => {
    expect(viewOf(row(), now)).toMatchObject({
      fetched: 300,
      rate: 30,
      secondsLeft: 17,
      counts: [{ collection: 'sites' }, { collection: 'groups', fetched: 200, total: 700, added: null }],
    });
  });

  it('tells neither rate nor time left before the first second, without totals, or once it is over', () => {
    expect(viewOf(row(), new Date('2026-11-20T09:00:00.500Z'))).toMatchObject({ rate: null, secondsLeft: null });
    expect(viewOf(row({ progress: { groups: { fetched: 200, total: null } } }), now)).toMatchObject({
      rate: 20,
      secondsLeft: null,
    });
    expect(viewOf(row({ state: 'succeeded', phase: 'announce', finishedAt: now }), now)).toMatchObject({
      rate: null,
      secondsLeft: null,
    });
    expect(viewOf(row({ state: 'queued', startedAt: null, phase: null, progress: {} }), now)).toMatchObject({
      fetched: 0,
      rate: null,
    });
  });

  it('tells of the phase that it is in, by what it told last', () => {
    const told = {
      phase: 'apply',
      collection: 'enrolments',
      done: 30_000,
      total: 90_000,
      since: new Date('2026-11-20T09:00:07Z'),
      at: new Date('2026-11-20T09:00:10Z'),
    } as const;
    expect(viewOf(row(), now, told)).toMatchObject({
      phase: 'apply',
      live: { collection: 'enrolments', done: 30_000, total: 90_000 },
      rate: 10_000,
      secondsLeft: 6,
    });
    expect(viewOf(row(), now, { ...told, total: null, collection: 'streams of the week' })).toMatchObject({
      live: { collection: null },
      secondsLeft: null,
    });
    expect(viewOf(row({ state: 'succeeded', phase: 'announce' }), now, told)).toMatchObject({ live: null, rate: null });
  });

  it('shows no collection that it does not know, and survives any stored progress', () => {
    expect(countsOf({ passwords: { fetched: 3 }, groups: { complete: 0 } })).toMatchObject([
      { collection: 'groups', complete: false },
    ]);
    expect(countsOf('rubbish')).toEqual([]);
  });
});
