/** The provider's oddities that were read nevertheless: each named once per page, by key (messages/<locale>/sync.json `deviation`). */
export interface Deviations {
  note(key: string): void;
  list(): readonly string[];
}

export function createDeviations(): Deviations {
  const keys = new Set<string>();
  return { note: (key) => void keys.add(key), list: () => [...keys] };
}
