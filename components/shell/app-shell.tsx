import Link from 'next/link';
import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { AccountMenu } from './account-menu.tsx';
import { CommandPalette } from './command-palette.tsx';
import { NavLinks } from './nav-links.tsx';
import type { NavItem, Place } from './places.ts';
import { Wordmark } from './wordmark.tsx';

interface AppShellProps {
  readonly person: { name: string; email: string };
  /** The organisation whose portal this is. */
  readonly here: Place;
  /** Every place of this person, to switch to. */
  readonly places: readonly Place[];
  readonly nav: readonly NavItem[];
  readonly children: ReactNode;
}

/** The frame of every portal: where I am, what is here, who I am, and a way to jump. */
export function AppShell({ person, here, places, nav, children }: AppShellProps) {
  const t = useTranslations('common');
  return (
    <>
      <a
        href="#content"
        className="-top-20 absolute left-4 z-50 rounded-control bg-accent px-4 py-2 text-on-accent focus:top-2"
      >
        {t('skipToContent')}
      </a>
      <header className="border-line border-b bg-card print:hidden">
        <div className="mx-auto flex max-w-[1240px] flex-wrap items-center gap-x-5 gap-y-1 px-4 pt-2.5 md:px-7">
          <Link href={here.href} className="mb-2 no-underline" aria-label={`${t('product')}, ${here.label}`}>
            <Wordmark />
          </Link>
          <div className="order-3 w-full min-w-0 md:order-none md:w-auto md:flex-1 md:self-end">
            <NavLinks items={nav} label={t('mainNavigation')} />
          </div>
          <div className="mb-2 ml-auto flex items-center gap-2">
            <CommandPalette nav={nav} places={places} />
            <AccountMenu person={person} here={here} places={places} />
          </div>
        </div>
      </header>
      <main id="content" className="mx-auto max-w-[1240px] px-4 py-6 md:px-7 md:py-7">
        {children}
      </main>
    </>
  );
}

/** The frame of pages without an account: sign-in, an invitation, a technical contact's entry page. */
export function PlainShell({ children, wide = false }: { children: ReactNode; wide?: boolean }) {
  return (
    <div className="min-h-dvh px-4 py-8 md:py-14">
      <div className={wide ? 'mx-auto max-w-3xl' : 'mx-auto max-w-md'}>
        <header className="mb-6">
          <Link href="/" className="no-underline">
            <Wordmark />
          </Link>
        </header>
        <main id="content">{children}</main>
      </div>
    </div>
  );
}
