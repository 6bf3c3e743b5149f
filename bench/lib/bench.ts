export interface Bench {
  /** One sentence: what is measured. */
  readonly about: string;
  /** Measures; `say` tells how it goes. Keys name their unit: `stepsPerSecond`, `startMs`. */
  run(say: (line: string) => void): Promise<Record<string, number | string>>;
}

/** The value below which the given share (0 to 1) of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));
