'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { classNames } from '#components/ui/class-names.ts';
import type { NavItem } from './places.ts';

/** Tabs of a portal; the current one is underlined and said to screen readers. */
export function NavLinks({ items, label }: { items: readonly NavItem[]; label: string }) {
  const pathname = usePathname();
  return (
    <nav aria-label={label} className="-mx-1 overflow-x-auto">
      <ul className="flex gap-1">
        {items.map((item) => {
          const current = pathname === item.href || (item.exact !== true && pathname.startsWith(`${item.href}/`));
          return (
            <li key={item.href}>
              <Link
                href={item.href}
                aria-current={current ? 'page' : undefined}
                className={classNames(
                  'flex min-h-10 items-center gap-1.5 whitespace-nowrap border-b-2 px-2.5 pb-1 no-underline',
                  current ? 'border-accent font-semibold text-ink' : 'border-transparent text-ink-2 hover:text-ink',
                )}
              >
                {item.label}
                {item.badge}
                {item.waiting !== undefined && item.waiting > 0 && (
                  <span className="rounded-full bg-wait-bg px-1.5 font-semibold text-wait text-xs">{item.waiting}</span>
                )}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
