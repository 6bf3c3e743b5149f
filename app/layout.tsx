import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import { NextIntlClientProvider } from 'next-intl';
import { getLocale, getMessages } from 'next-intl/server';
import type { ReactNode } from 'react';
import { Toaster } from 'sonner';
import { TRPCProvider } from '#components/trpc/client.tsx';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Crosswalk', template: '%s · Crosswalk' },
  description: 'The marketplace that connects a school’s SIS, its LMS and its learning applications.',
  robots: { index: false },
};
export const viewport: Viewport = { width: 'device-width', initialScale: 1 };

export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = (await cookies()).get('crosswalk-theme')?.value;
  return (
    <html
      lang={await getLocale()}
      data-theme={theme === 'light' || theme === 'dark' ? theme : undefined}
      suppressHydrationWarning
    >
      <body>
        <NextIntlClientProvider messages={await getMessages()} now={new Date()}>
          <TRPCProvider>{children}</TRPCProvider>
          <Toaster position="bottom-right" toastOptions={{ className: 'font-sans' }} />
        </NextIntlClientProvider>
      </body>
    </html>
  );
}
