/** A record as the last fetch left it in staging. */
export interface StagedRow {
  readonly sourceId: string;
  readonly disposition: 'kept' | 'deleted' | 'aside';
  /** Of `kept` ones. */
  readonly contentHash: string | null;
}

/** A record as it rests in the roster. */
export interface KnownRow {
  readonly sourceId: string;
  readonly contentHash: string;
  readonly missedFetches: number;
  readonly isGone: boolean;
  /** Of a term that is over (or of one): planned, but no matter for the guard. */
  readonly isEnded: boolean;
}

/** What applying would do to one collection. The lists are disjoint and sorted. */
export interface CollectionPlan {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Gone before, here again: the same id. */
  readonly returned: readonly string[];
  readonly unchanged: readonly string[];
  /** Absent from this complete fetch for the first time: stays. */
  readonly missing: readonly string[];
  /** Absent from two complete fetches in a row, or marked for deletion by the source. */
  readonly gone: readonly string[];
  /** What the guard weighs the lists against: known, not gone, of no ended term. */
  readonly weighed: { readonly known: number; readonly gone: number; readonly changed: number };
}

/** Complete fetches in a row from which a record must be absent. */
const fetchesUntilGone = 2;

/**
 * Compares a collection as fetched with the roster. Missing is not gone (DESIGN.md §5): nothing is missed by a fetch that was not
 * complete, and only the second miss in a row, or the source's own word, makes a record gone. Pure.
 */
export function planCollection(
  staged: readonly StagedRow[],
  known: readonly KnownRow[],
  fetch: { readonly complete: boolean },
): CollectionPlan {
  const knownById = new Map(known.map((row) => [row.sourceId, row]));
  const seen = new Set<string>();
  const added: string[] = [];
  const changed: string[] = [];
  const returned: string[] = [];
  const unchanged: string[] = [];
  const missing: string[] = [];
  const gone: string[] = [];
  for (const { sourceId, disposition, contentHash } of staged) {
    seen.add(sourceId);
    const row = knownById.get(sourceId);
    if (disposition === 'kept') {
      if (row === undefined) added.push(sourceId);
      else if (row.isGone) returned.push(sourceId);
      else if (row.contentHash === contentHash) unchanged.push(sourceId);
      else changed.push(sourceId);
    } else if (row !== undefined && !row.isGone) {
      // What could not be read stays as it was; it is there.
      if (disposition === 'deleted') gone.push(sourceId);
      else unchanged.push(sourceId);
    }
  }
  if (fetch.complete) {
    for (const row of known) {
      // What belongs to an ended term is archived: providers stop sending it.
      if (row.isGone || row.isEnded || seen.has(row.sourceId)) continue;
      if (row.missedFetches + 1 >= fetchesUntilGone) gone.push(row.sourceId);
      else missing.push(row.sourceId);
    }
  }
  const weighs = (sourceId: string) => knownById.get(sourceId)?.isEnded === false;
  for (const list of [added, changed, returned, unchanged, missing, gone]) list.sort();
  return {
    added,
    changed,
    returned,
    unchanged,
    missing,
    gone,
    weighed: {
      known: known.filter((row) => !row.isGone && !row.isEnded).length,
      gone: gone.filter(weighs).length,
      changed: changed.filter(weighs).length,
    },
  };
}
