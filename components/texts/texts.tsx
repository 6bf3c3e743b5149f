'use client';

import { NextIntlClientProvider } from 'next-intl';
import type { ReactNode } from 'react';
import { loadMessages } from '#messages/load-messages.ts';

/** Gives client components their texts out of a script that the browser keeps: in every page they would be most of it. */
export function Texts({ children, locale, now }: { children: ReactNode; locale: string; now: Date }) {
  return (
    <NextIntlClientProvider locale={locale} messages={loadMessages(locale)} now={now} timeZone="UTC">
      {children}
    </NextIntlClientProvider>
  );
}
