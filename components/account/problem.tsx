import { TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

/** Something that went wrong, where it arose, in a page that has its text already. */
export function Problem({ children }: { children: ReactNode }) {
  return (
    <div role="alert" className="flex items-start gap-3 rounded-control border border-fail bg-fail-bg px-4 py-3">
      <TriangleAlert className="mt-0.5 size-5 shrink-0 text-fail" aria-hidden />
      <p className="font-semibold">{children}</p>
    </div>
  );
}
