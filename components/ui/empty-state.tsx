import type { ReactNode } from 'react';

/** Says what this place is for and offers the first step. */
export function EmptyState({
  title,
  children,
  action,
}: {
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="grid justify-items-center gap-3 rounded-card border border-edge border-dashed px-6 py-12 text-center">
      <h2>{title}</h2>
      {children !== undefined && <p className="max-w-prose text-ink-2">{children}</p>}
      {action}
    </div>
  );
}
