import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';

/** The four looks of a state. Each is a shape, a colour and a word: none of them alone. */
export type StateLook = 'live' | 'wait' | 'fail' | 'rest';

const shapes: Record<StateLook, ReactNode> = {
  live: <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  wait: <rect x="2.4" y="2.4" width="7.2" height="7.2" rx="1.4" fill="currentColor" transform="rotate(45 6 6)" />,
  fail: <path d="M6 1 11.5 10.8H.5z" fill="currentColor" />,
  rest: <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="2" />,
};
const colours: Record<StateLook, string> = {
  live: 'text-live',
  wait: 'text-wait',
  fail: 'text-fail',
  rest: 'text-rest',
};

export function StateBadge({
  look,
  children,
  className,
}: {
  look: StateLook;
  children: ReactNode;
  className?: string;
}) {
  return (
    <span
      className={classNames(
        'inline-flex items-center gap-1.5 whitespace-nowrap font-semibold text-sm',
        colours[look],
        className,
      )}
    >
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" className="shrink-0">
        {shapes[look]}
      </svg>
      {children}
    </span>
  );
}

export function Chip({ children }: { children: ReactNode }) {
  return (
    <span className="mr-1 mb-0.5 inline-block whitespace-nowrap rounded-full border border-line bg-sunken px-2 py-px text-xs">
      {children}
    </span>
  );
}
