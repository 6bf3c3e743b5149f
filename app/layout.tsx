import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import { getLocale } from 'next-intl/server';
import type { ReactNode } from 'react';
import { Toaster } from 'sonner';
import { Texts } from '#components/texts/texts.tsx';
import { TRPCProvider } from '#components/trpc/client.tsx';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Crosswalk', template: '%s · Crosswalk' },
  description: 'The marketplace that connects a school’s SIS, its LMS and its learning applications.',
  robots: { index: false },
};
export const viewport: Viewport = { width: 'device-width', initialScale: 1 };

export default async function RootLayout({ children }: { children: ReactNode }) {
  const locale = await getLocale();
  const theme = (await cookies()).get('crosswalk-theme')?.value;
  return (
    <html lang={locale} data-theme={theme === 'light' || theme === 'dark' ? theme : undefined} suppressHydrationWarning>
      <body>
        <Texts locale={locale} now={new Date()}>
          <TRPCProvider>{children}</TRPCProvider>
          <Toaster position="bottom-right" toastOptions={{ className: 'font-sans' }} />
        </Texts>
      </body>
    </html>
  );
}
