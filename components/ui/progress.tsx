/** A bar for long work; without `value` it says only that it goes on. */
export function Progress({ value, label }: { value: number | null; label: string }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value === null ? undefined : Math.round(value * 100)}
      className="h-2 overflow-hidden rounded-full bg-sunken"
    >
      <div
        className={
          value === null ? 'h-full w-1/3 animate-pulse rounded-full bg-accent' : 'h-full rounded-full bg-accent'
        }
        style={value === null ? undefined : { width: `${Math.min(100, Math.max(0, value * 100))}%` }}
      />
    </div>
  );
}

export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div aria-hidden className="grid gap-3">
      {Array.from({ length: lines }, (_, index) => `line-${index}`).map((key) => (
        <div key={key} className="h-5 animate-pulse rounded-control bg-sunken" />
      ))}
    </div>
  );
}
