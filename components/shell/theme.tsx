'use client';

import { Monitor, Moon, Sun } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { MenuItem } from '#components/ui/menu.tsx';

export const themeCookie = 'crosswalk-theme';

function setTheme(theme: 'system' | 'light' | 'dark') {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser that we serve
  document.cookie = `${themeCookie}=${theme}; path=/; max-age=31536000; samesite=lax`;
}

/** As the device, light or dark; kept in a cookie so that the server renders it right at once. */
export function ThemeItems() {
  const t = useTranslations('common');
  return (
    <>
      <MenuItem onSelect={() => setTheme('system')}>
        <Monitor aria-hidden />
        {t('themeSystem')}
      </MenuItem>
      <MenuItem onSelect={() => setTheme('light')}>
        <Sun aria-hidden />
        {t('themeLight')}
      </MenuItem>
      <MenuItem onSelect={() => setTheme('dark')}>
        <Moon aria-hidden />
        {t('themeDark')}
      </MenuItem>
    </>
  );
}
