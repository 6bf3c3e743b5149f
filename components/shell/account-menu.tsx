'use client';

import { ChevronDown, LogOut, UserRound } from 'lucide-react';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { Button } from '#components/ui/button.tsx';
import { Menu, MenuItem, MenuLabel, MenuSeparator } from '#components/ui/menu.tsx';
import type { Place } from './places.ts';
import { ThemeItems } from './theme.tsx';

export function AccountMenu({
  person,
  here,
  places,
}: {
  person: { name: string; email: string };
  here: Place;
  places: readonly Place[];
}) {
  const t = useTranslations('common');
  const others = places.filter((place) => place.href !== here.href);
  return (
    <Menu
      trigger={
        <Button variant="quiet" className="max-w-56 px-2">
          <span className="truncate">{here.label}</span>
          <ChevronDown aria-hidden />
        </Button>
      }
    >
      <MenuLabel>
        <span className="block font-semibold text-ink">{person.name}</span>
        {person.email}
      </MenuLabel>
      <MenuItem asChild>
        <Link href="/account">
          <UserRound aria-hidden />
          {t('account')}
        </Link>
      </MenuItem>
      <MenuItem asChild>
        <Link href="/sign-out">
          <LogOut aria-hidden />
          {t('signOut')}
        </Link>
      </MenuItem>
      {others.length > 0 && (
        <>
          <MenuSeparator />
          <MenuLabel>{t('switchTo')}</MenuLabel>
          {others.map((place) => (
            <MenuItem key={place.href} asChild>
              <Link href={place.href}>
                <span>
                  {place.label}
                  <span className="block text-ink-2 text-sm">{place.kind}</span>
                </span>
              </Link>
            </MenuItem>
          ))}
        </>
      )}
      <MenuSeparator />
      <MenuLabel>{t('theme')}</MenuLabel>
      <ThemeItems />
    </Menu>
  );
}
