'use client';

import { Command } from 'cmdk';
import { Search } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useEffect, useState } from 'react';
import { Button } from '#components/ui/button.tsx';
import type { NavItem, Place } from './places.ts';

/** ⌘K or Ctrl+K: jump to any page of this portal or to another place of mine. */
export function CommandPalette({ nav, places }: { nav: readonly NavItem[]; places: readonly Place[] }) {
  const t = useTranslations('common');
  const router = useRouter();
  const [open, setOpen] = useState(false);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey)) {
        event.preventDefault();
        setOpen((current) => !current);
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  const go = (href: string) => {
    setOpen(false);
    router.push(href);
  };
  const item = 'flex min-h-9 cursor-pointer items-center rounded-control px-3 py-1.5 data-[selected=true]:bg-sunken';
  return (
    <>
      <Button
        onClick={() => setOpen(true)}
        className="px-3 font-normal text-ink-2 lg:min-w-52 lg:justify-between"
        aria-label={t('jumpTo')}
      >
        <span className="inline-flex items-center gap-2">
          <Search aria-hidden />
          <span className="hidden lg:inline">{t('jumpTo')}</span>
        </span>
        <kbd className="hidden font-sans text-xs lg:inline">⌘K</kbd>
      </Button>
      <Command.Dialog
        open={open}
        onOpenChange={setOpen}
        label={t('commands')}
        overlayClassName="fixed inset-0 z-40 bg-ink/40 dark:bg-black/60"
        contentClassName="fixed top-[12dvh] left-1/2 z-50 w-[min(34rem,calc(100vw-2rem))] -translate-x-1/2 overflow-hidden rounded-card border border-line bg-card shadow-lg"
      >
        <Command.Input
          placeholder={t('jumpTo')}
          className="w-full border-line border-b bg-card px-4 py-3 outline-none"
        />
        <Command.List className="max-h-[50dvh] overflow-y-auto p-2">
          <Command.Empty className="px-3 py-6 text-center text-ink-2">{t('noCommand')}</Command.Empty>
          {nav.map((entry) => (
            <Command.Item key={entry.href} value={entry.label} onSelect={() => go(entry.href)} className={item}>
              {entry.label}
            </Command.Item>
          ))}
          {places.map((place) => (
            <Command.Item
              key={place.href}
              value={`${place.label} ${place.kind}`}
              onSelect={() => go(place.href)}
              className={item}
            >
              {place.label}
              <span className="ml-2 text-ink-2 text-sm">{place.kind}</span>
            </Command.Item>
          ))}
          <Command.Item value={t('account')} onSelect={() => go('/account')} className={item}>
            {t('account')}
          </Command.Item>
        </Command.List>
      </Command.Dialog>
    </>
  );
}
