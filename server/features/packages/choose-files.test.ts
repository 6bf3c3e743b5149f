import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseFiles, type ListedFile, type RememberedFile } from './choose-files.ts';

const now = new Date('2026-03-02T09:00:00Z');
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const file = (name: string, hours = 1, bytes = 10): ListedFile => ({ name, bytes, modifiedAt: ago(hours * 60) });
const seen = (of: ListedFile, minutes = 1): RememberedFile => ({ ...of, state: 'seen', seenAt: ago(minutes) });
const taken = (of: ListedFile): RememberedFile => ({ ...of, state: 'handed-in', seenAt: ago(600) });
const names = (files: readonly ListedFile[]) => files.map(({ name }) => name);

describe('which files of a folder are handed in', () => {
  it('takes a file that was found alike a minute ago, and waits for one that still grows', () => {
    const [whole, grown] = [file('whole.zip'), file('grown.zip')];
    const remembered = [seen(whole), seen({ ...grown, bytes: 5 })];
    const choice = chooseFiles([whole, grown], remembered, { now, isFirst: false });
    expect(names(choice.ready)).toEqual(['whole.zip']);
    expect(names(choice.growing)).toEqual(['grown.zip']);
  });

  it('takes a file at once beside which a .done lies', () => {
    const listed = [file('a.zip'), file('a.zip.done', 0, 0), file('b.zip')];
    const choice = chooseFiles(listed, [], { now, isFirst: false });
    expect([names(choice.ready), names(choice.growing)]).toEqual([['a.zip'], ['b.zip']]);
  });

  it('takes each file once by name, size and time, and a new one of the same name again', () => {
    const same = file('roster.zip', 10);
    expect(chooseFiles([same], [taken(same)], { now, isFirst: false })).toEqual({
      ready: [],
      passedOver: [],
      growing: [],
      forgotten: [],
    });
    const anew = file('roster.zip', 1);
    expect(names(chooseFiles([anew], [taken(same)], { now, isFirst: false }).growing)).toEqual(['roster.zip']);
    expect(names(chooseFiles([anew], [seen(anew)], { now, isFirst: false }).ready)).toEqual(['roster.zip']);
  });

  it('reads only the newest at the first look, and waits until it knows which that is', () => {
    const [older, newer] = [file('older.zip', 50), file('newer.zip', 2)];
    const waits = chooseFiles([older, newer], [seen(older)], { now, isFirst: true });
    expect([names(waits.ready), names(waits.growing)]).toEqual([[], ['older.zip', 'newer.zip']]);
    const choice = chooseFiles([older, newer], [seen(older), seen(newer)], { now, isFirst: true });
    expect([names(choice.ready), names(choice.passedOver)]).toEqual([['newer.zip'], ['older.zip']]);
  });

  it('later reads in the order in which they were made', () => {
    const listed = [file('c.zip', 1), file('a.zip', 3), file('b.zip', 2)];
    const choice = chooseFiles(
      listed,
      listed.map((one) => seen(one)),
      { now, isFirst: false },
    );
    expect(names(choice.ready)).toEqual(['a.zip', 'b.zip', 'c.zip']);
  });

  it('leaves everything else alone and forgets what is gone', () => {
    const listed = [file('users.csv'), file('.hidden.zip'), file('empty.zip', 1, 0), file('half.zip.part')];
    const choice = chooseFiles(listed, [taken(file('gone.zip'))], { now, isFirst: false });
    expect(choice).toEqual({ ready: [], passedOver: [], growing: [], forgotten: ['gone.zip'] });
  });

  it('never takes a file twice nor loses one', () => {
    const anyFile = fc.record({
      name: fc.constantFrom('a.zip', 'b.zip', 'c.ZIP', 'a.zip.done', 'notes.txt'),
      bytes: fc.integer({ min: 0, max: 3 }),
      modifiedAt: fc.constantFrom(ago(10), ago(20)),
    });
    const anyListing = fc.uniqueArray(anyFile, { selector: ({ name }) => name });
    fc.assert(
      fc.property(anyListing, anyListing, fc.boolean(), (listed, earlier, isFirst) => {
        const remembered = earlier.map((one, index) => (index % 2 === 0 ? seen(one) : taken(one)));
        const { ready, passedOver, growing } = chooseFiles(listed, remembered, { now, isFirst });
        const chosen = names([...ready, ...passedOver, ...growing]);
        expect(new Set(chosen).size).toBe(chosen.length);
        for (const one of listed) {
          const known = remembered.find(({ name }) => name === one.name);
          const isDone =
            known?.state === 'handed-in' &&
            known.bytes === one.bytes &&
            known.modifiedAt.getTime() === one.modifiedAt.getTime();
          const isPackage = /\.zip$/i.test(one.name) && one.bytes > 0;
          expect(chosen.includes(one.name)).toBe(isPackage && !isDone);
        }
      }),
    );
  });
});
