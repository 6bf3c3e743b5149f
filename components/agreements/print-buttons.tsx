'use client';

import { Download, Printer } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { Button } from '#components/ui/button.tsx';

/** The agreement on paper, or as the very file whose fingerprint was signed. */
export function PrintButtons({ text, fileName }: { text: string; fileName: string }) {
  const t = useTranslations('agreements.act');
  return (
    <div className="flex flex-wrap gap-2 print:hidden">
      <Button onClick={() => window.print()}>
        <Printer aria-hidden />
        {t('print')}
      </Button>
      <Button asChild>
        <a href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`} download={fileName}>
          <Download aria-hidden />
          {t('download')}
        </a>
      </Button>
    </div>
  );
}
