'use client';

import { Check, Copy } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { Button } from './button.tsx';

/** Several lines that somebody will paste elsewhere as they stand. */
export function CopyBlock({ text, label }: { text: string; label: string }) {
  const t = useTranslations('common');
  const [copied, setCopied] = useState(false);
  return (
    <div className="grid gap-1.5 rounded-control border border-line bg-sunken p-2.5">
      <pre className="whitespace-pre-wrap break-all font-mono text-sm">{text}</pre>
      <Button
        size="small"
        className="justify-self-start"
        onClick={() => {
          void navigator.clipboard.writeText(text).then(() => setCopied(true));
        }}
      >
        {copied ? <Check className="text-live" aria-hidden /> : <Copy aria-hidden />}
        {copied ? t('copied') : t('copy', { what: label })}
      </Button>
      <span role="status" className="sr-only">
        {copied ? t('copied') : ''}
      </span>
    </div>
  );
}
