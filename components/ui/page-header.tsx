import type { ReactNode } from 'react';

/** What the page is, how things stand in one line, and the one thing to do. */
export function PageHeader({
  title,
  standing,
  action,
  above,
}: {
  title: ReactNode;
  standing?: ReactNode;
  action?: ReactNode;
  above?: ReactNode;
}) {
  return (
    <div className="mb-6 flex flex-wrap items-end justify-between gap-x-6 gap-y-4">
      <div className="min-w-0 flex-1 basis-80">
        {above !== undefined && <div className="mb-1 text-ink-2 text-sm">{above}</div>}
        <h1>{title}</h1>
        {standing !== undefined && <p className="mt-1 text-ink-2">{standing}</p>}
      </div>
      {action !== undefined && <div className="flex flex-wrap gap-2">{action}</div>}
    </div>
  );
}
