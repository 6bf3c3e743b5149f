import type { ReactNode } from 'react';

/** Cells of a table that the server pages; `wideCell` is left out below 760 px. */
export const cell = 'border-line border-b px-4 py-2.5 text-left align-top';
export const wideCell = `${cell} hidden md:table-cell`;

const look = 'overflow-x-auto rounded-card border border-line bg-card';

/** The frame of a table that the server searches and pages, since its rows may be thousands. */
export function TableFrame({ caption, children }: { caption: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1)
    <section className={look} aria-label={caption} tabIndex={0}>
      <table className="w-full border-collapse">
        <caption className="sr-only">{caption}</caption>
        {children}
      </table>
    </section>
  );
}
