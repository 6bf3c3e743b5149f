'use client';

import { TRPCClientError } from '@trpc/client';
import { TriangleAlert } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { z } from 'zod';

const wireError = z.object({
  crosswalk: z.object({
    code: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])),
    requestId: z.string().nullable(),
  }),
});

export interface ShownError {
  readonly code: string;
  readonly details: Readonly<Record<string, string | number | boolean | null | string[]>>;
  readonly requestId: string | null;
}

/** Our own error out of whatever a mutation or query threw; `offline` where no answer came at all. */
export function shownError(error: unknown): ShownError {
  if (error instanceof TRPCClientError) {
    const parsed = wireError.safeParse(error.data);
    if (parsed.success) return parsed.data.crosswalk;
    if (error.data === undefined || error.data === null) return { code: 'offline', details: {}, requestId: null };
  }
  return { code: 'internal', details: {}, requestId: null };
}

/** The sentence for an error: what happened and what to do next. A hook, since texts come from the catalogue. */
export function useErrorText(): (error: unknown) => string {
  const t = useTranslations('errors');
  return (error) => {
    const { code, details } = shownError(error);
    const values: Record<string, string | number> = {};
    for (const [key, value] of Object.entries(details)) {
      if (typeof value === 'string' || typeof value === 'number') values[key] = value;
      else if (Array.isArray(value)) values[key] = value.join(', ');
    }
    return t.has(code) ? t(code, values) : t('internal');
  };
}

/** An error where it arose. */
export function ErrorNotice({ error }: { error: unknown }) {
  const text = useErrorText();
  const t = useTranslations('errors');
  if (error === null || error === undefined) return null;
  const { requestId } = shownError(error);
  return (
    <div role="alert" className="flex items-start gap-3 rounded-control border border-fail bg-fail-bg px-4 py-3">
      <TriangleAlert className="mt-0.5 size-5 shrink-0 text-fail" aria-hidden />
      <div>
        <p className="font-semibold">{text(error)}</p>
        {requestId !== null && <p className="text-ink-2 text-sm">{t('reference', { requestId })}</p>}
      </div>
    </div>
  );
}
