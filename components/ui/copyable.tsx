'use client';

import { Check, Copy } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useState } from 'react';

/** An id, address or list of scopes that somebody will paste elsewhere. */
export function Copyable({ text, label }: { text: string; label?: string }) {
  const t = useTranslations('common');
  const [copied, setCopied] = useState(false);
  return (
    <span className="inline-flex max-w-full items-center gap-1 rounded-control border border-line bg-sunken py-0.5 pr-0.5 pl-2">
      <code className="min-w-0 break-all font-mono text-sm">{text}</code>
      <button
        type="button"
        className="inline-flex size-7 shrink-0 cursor-pointer items-center justify-center rounded-control hover:bg-card"
        aria-label={copied ? t('copied') : t('copy', { what: label ?? text })}
        onClick={() => {
          void navigator.clipboard.writeText(text).then(() => setCopied(true));
        }}
      >
        {copied ? <Check className="size-4 text-live" aria-hidden /> : <Copy className="size-4" aria-hidden />}
      </button>
      <span role="status" className="sr-only">
        {copied ? t('copied') : ''}
      </span>
    </span>
  );
}
