'use client';

import { Download } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { Button } from '#components/ui/button.tsx';
import { Checkbox } from '#components/ui/input.tsx';

/** Recovery codes, shown this once: to write down, print or keep as a file before going on. */
export function RecoveryCodes({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
  const t = useTranslations('people.recoveryCodes');
  const [kept, setKept] = useState(false);
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent(`${t('fileTitle')}\n\n${codes.join('\n')}\n`)}`;
  return (
    <section className="grid gap-4" aria-labelledby="recovery-codes">
      <div className="grid gap-1">
        <h2 id="recovery-codes">{t('title')}</h2>
        <p className="text-ink-2">{t('what')}</p>
      </div>
      <ul className="grid grid-cols-1 gap-x-6 gap-y-1 rounded-card border border-line bg-sunken p-4 font-mono sm:grid-cols-2">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div>
        <Button asChild>
          <a href={file} download="crosswalk-recovery-codes.txt">
            <Download aria-hidden />
            {t('download')}
          </a>
        </Button>
      </div>
      <Checkbox label={t('kept')} checked={kept} onChange={(event) => setKept(event.target.checked)} />
      <div>
        <Button variant="primary" disabled={!kept} onClick={onKept}>
          {t('goOn')}
        </Button>
      </div>
    </section>
  );
}
