export interface Bench {
  /** One sentence: what is measured. */
  readonly about: string;
  /** Options of the command besides `--json`, each with its default. */
  readonly options?: Readonly<Record<string, string>>;
  /** Measures; `say` tells how it goes. Keys name their unit: `stepsPerSecond`, `startMs`, `first_s`. */
  run(
    say: (line: string) => void,
    options: Readonly<Record<string, string>>,
  ): Promise<Record<string, number | string | null>>;
}

/** The value below which the given share (0 to 1) of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));
