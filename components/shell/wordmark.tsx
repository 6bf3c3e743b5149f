/** Two stripes that meet: the mark. */
export function Wordmark({ name = 'Crosswalk' }: { name?: string }) {
  return (
    <span className="inline-flex items-center gap-2.5 font-bold text-[17px]">
      <svg viewBox="0 0 26 26" width="26" height="26" aria-hidden="true">
        <rect width="26" height="26" rx="7" fill="var(--ink)" />
        <g fill="var(--paper)">
          <path d="M6 20.5 8.2 5.5h2.1L8.6 20.5z" />
          <path d="M11.3 20.5 12 5.5h2l.7 15z" />
          <path d="M17.4 20.5 15.7 5.5h2.1L20 20.5z" />
        </g>
      </svg>
      {name}
    </span>
  );
}
