/** A file as a folder lists it, and one as it is remembered. */
export interface ListedFile {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
}
export interface RememberedFile extends ListedFile {
  readonly state: 'seen' | 'handed-in' | 'refused' | 'passed-over';
  /** When it was first seen as it is. */
  readonly seenAt: Date;
}

export interface Choice {
  /** Whole and not handed in yet, oldest first. */
  readonly ready: readonly ListedFile[];
  /** At a folder's first look the newest package counts; the older ones are not read. */
  readonly passedOver: readonly ListedFile[];
  /** Perhaps still being written. */
  readonly growing: readonly ListedFile[];
  /** Remembered and no longer there. */
  readonly forgotten: readonly string[];
}

/** Between two looks that find a file alike. */
const settledMs = 50_000;

const isPackage = ({ name, bytes }: ListedFile) =>
  bytes > 0 && /^[^.].*\.zip$/i.test(name) && !/[/\\]/.test(name) && name.length <= 200;
const isAlike = (a: ListedFile, b: ListedFile) =>
  a.bytes === b.bytes && a.modifiedAt.getTime() === b.modifiedAt.getTime();
const byAge = (a: ListedFile, b: ListedFile) =>
  a.modifiedAt.getTime() - b.modifiedAt.getTime() || a.name.localeCompare(b.name, 'en');

/**
 * Which files of a folder are packages to hand in now. Each counts once by name, size and time. One is whole once it is found alike in two
 * looks a minute apart, or where an empty `<name>.done` lies beside it.
 */
export function chooseFiles(
  listed: readonly ListedFile[],
  remembered: readonly RememberedFile[],
  { now, isFirst }: { readonly now: Date; readonly isFirst: boolean },
): Choice {
  const names = new Set(listed.map(({ name }) => name));
  const known = new Map(remembered.map((file) => [file.name, file]));
  const fresh = listed.filter((file) => {
    const before = known.get(file.name);
    return isPackage(file) && (before === undefined || before.state === 'seen' || !isAlike(file, before));
  });
  const isWhole = (file: ListedFile) => {
    const before = known.get(file.name);
    const settled =
      before?.state === 'seen' && isAlike(file, before) && now.getTime() - before.seenAt.getTime() >= settledMs;
    return settled || names.has(`${file.name}.done`);
  };
  const whole = fresh.filter(isWhole).toSorted(byAge);
  const growing = fresh.filter((file) => !isWhole(file));
  // While one still grows the newest of a first look is not known.
  const waits = isFirst && growing.length > 0;
  return {
    ready: waits ? [] : isFirst ? whole.slice(-1) : whole,
    passedOver: waits || !isFirst ? [] : whole.slice(0, -1),
    growing: waits ? fresh : growing,
    forgotten: remembered.filter(({ name }) => !names.has(name)).map(({ name }) => name),
  };
}
