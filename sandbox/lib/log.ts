/** The request log of a sandbox program: what was asked, by whom, and how many rows went out. It proves what was never asked. */

export type LogEntry = {
  n: number;
  at: string;
  /** Slug of the school whose data was addressed; empty for what belongs to none. */
  school: string;
  /** The client, key or user that asked; empty before anybody is known. */
  client: string;
  method: string;
  path: string;
  /** Query string with the values of secrets replaced by `***`. */
  query: string;
  /** The function called, for protocols that name it in the body (Moodle). */
  operation: string;
  status: number;
  /** Records in the answer; null where an answer carries none. */
  rows: number | null;
  /** Kinds of the faults that were done to this request. */
  faults: readonly string[];
};

/** What a handler adds to the entry of its own request. */
export type Trace = { school: string; client: string; operation: string; rows: number | null };

export type RequestLog = {
  add(entry: Omit<LogEntry, 'n'>): void;
  list(filter?: { school?: string }): readonly LogEntry[];
  clear(): void;
};

const SECRET = /(token|secret|password|code|assertion|verifier|signature|wstoken|key)$/i;

/** A query string without its secrets. */
export function withoutSecrets(search: string): string {
  const params = new URLSearchParams(search);
  for (const name of new Set(params.keys())) if (SECRET.test(name)) params.set(name, '***');
  return params.toString();
}

/** A log that keeps the newest entries up to a bound. */
export function createLog(bound = 20_000): RequestLog {
  let entries: LogEntry[] = [];
  let n = 0;
  return {
    add: (entry) => {
      n += 1;
      entries.push({ n, ...entry });
      if (entries.length > bound) entries = entries.slice(-Math.floor(bound / 2));
    },
    list: (filter = {}) =>
      filter.school === undefined ? [...entries] : entries.filter(({ school }) => school === filter.school),
    clear: () => {
      entries = [];
    },
  };
}
