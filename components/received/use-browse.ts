'use client';

import { usePathname, useSearchParams } from 'next/navigation';
import { browseAddress } from './browse-address.ts';

/** What is looked at, and a way to change it: the address keeps it, so that it can be sent to a colleague. */
export function useBrowse(schoolId: string) {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const write = (next: URLSearchParams) => {
    const query = next.toString();
    // Next.js follows the History API; the page itself need not be rendered anew.
    window.history.replaceState(null, '', query === '' ? pathname : `${pathname}?${query}`);
  };
  return {
    ...browseAddress(parameters, schoolId),
    filtered: [...parameters.keys()].some((key) => !['show', 'sort', 'order', 'after'].includes(key)),
    /** An empty value takes the filter away; whatever changes leads back to the first page. */
    change: (changes: Readonly<Record<string, string>>) => {
      const next = new URLSearchParams(window.location.search);
      next.delete('after');
      for (const [key, value] of Object.entries(changes)) {
        if (value === '') next.delete(key);
        else next.set(key, value);
      }
      write(next);
    },
    clear: () => {
      const show = parameters.get('show');
      write(new URLSearchParams(show === null ? {} : { show }));
    },
  };
}
