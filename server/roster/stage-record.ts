import { createHash } from 'node:crypto';
import type { Collection, Page, StreamHint } from '#server/connectors/contract.ts';
import { collectionsKept, groupKindsKept } from './collections.ts';

/** A record as it rests in staging.record. */
export interface StagedRecord {
  readonly sourceId: string;
  /**
   * `kept`: to be compared and applied. `deleted`: the source says that it is gone. `aside`: could not be read, so that what we have
   * of it stays as it is. `cut`: no grant needs it; only a hash of its id remains, to count the fetch.
   */
  readonly disposition: 'kept' | 'deleted' | 'aside' | 'cut';
  readonly content: Readonly<Record<string, string | readonly string[] | null>> | null;
  /** What tells a stream, and where else to look for it; never applied. */
  readonly hint: { readonly stream: StreamHint | null; readonly subjectSourceId: string | null } | null;
  readonly modifiedAt: Date | null;
}

export interface StagedPage {
  readonly records: readonly StagedRecord[];
  /** Records that were read but have no row of their own: without a usable id. */
  readonly uncounted: number;
  /** Times that an id came again on the same page. */
  readonly repeated: number;
}

type AnyRecord = { [C in Collection]: Page<C>['records'][number] }[Collection];

/** Cuts a page to what the scopes need before anything of it is stored. Pure. */
export function stagePage<C extends Collection>(page: Page<C>, scopes: readonly string[]): StagedPage {
  const staged = new Map<string, StagedRecord>();
  let repeated = 0;
  const add = (record: StagedRecord) => {
    if (staged.has(record.sourceId)) repeated += 1;
    staged.set(record.sourceId, record);
  };
  for (const record of page.records) add(stageRecord(page.collection, record, scopes));
  let uncounted = 0;
  for (const { sourceId } of page.setAside) {
    if (sourceId === null) uncounted += 1;
    // A readable record under the same id wins.
    else if (staged.has(sourceId)) repeated += 1;
    else add({ sourceId, disposition: 'aside', content: null, hint: null, modifiedAt: null });
  }
  return { records: [...staged.values()], uncounted, repeated };
}

function stageRecord(collection: Collection, record: AnyRecord, scopes: readonly string[]): StagedRecord {
  const kept = collectionsKept(scopes);
  const isKept = kept.has(collection) && (!isGroup(record) || groupKindsKept(scopes).has(record.kind));
  const hint =
    kept.has('streams') && 'stream' in record && !record.deleted
      ? { stream: record.stream, subjectSourceId: 'subjectSourceId' in record ? record.subjectSourceId : null }
      : null;
  if (!isKept) {
    const isTelling = hint !== null && (hint.stream !== null || hint.subjectSourceId !== null);
    // A subject's id is what a group's hint points at, so a telling record keeps its own.
    const sourceId = isTelling
      ? record.sourceId
      : `cut:${createHash('sha256').update(record.sourceId).digest('base64url').slice(0, 22)}`;
    return { sourceId, disposition: 'cut', content: null, hint: isTelling ? hint : null, modifiedAt: null };
  }
  const { sourceId, modifiedAt } = record;
  if (record.deleted) return { sourceId, disposition: 'deleted', content: null, hint: null, modifiedAt };
  return { sourceId, disposition: 'kept', content: contentOf(record), hint, modifiedAt };
}

const isGroup = (record: AnyRecord): record is Page<'groups'>['records'][number] => 'termSourceIds' in record;

/** The columns of rosterTables; `stream_source_id` of a group is added when streams are derived. */
function contentOf(record: AnyRecord): NonNullable<StagedRecord['content']> {
  if (isGroup(record)) {
    return {
      kind: record.kind,
      title: record.title,
      code: record.code,
      grades: record.grades,
      subjects: record.subjects,
      subject_source_id: record.subjectSourceId,
      site_source_id: record.siteSourceId,
      stream_source_id: null,
      term_source_ids: record.termSourceIds,
    };
  }
  if ('courseCode' in record) {
    return {
      title: record.title,
      course_code: record.courseCode,
      grades: record.grades,
      subjects: record.subjects,
      subject_codes: record.subjectCodes,
      site_source_id: record.siteSourceId,
      school_year_source_id: record.schoolYearSourceId,
    };
  }
  if ('startsOn' in record) {
    return {
      name: record.name,
      kind: record.kind,
      starts_on: record.startsOn,
      ends_on: record.endsOn,
      school_year: record.schoolYear,
      parent_source_id: record.parentSourceId,
    };
  }
  if ('sisId' in record) {
    return {
      name: record.name,
      code: record.code,
      sis_id: record.sisId,
      state: record.state,
      term_name: record.termName,
      account_name: record.accountName,
    };
  }
  return {
    name: record.name,
    kind: record.kind,
    identifier: record.identifier,
    parent_source_id: record.parentSourceId,
  };
}
