'use client';

import { CircleCheck, TriangleAlert } from 'lucide-react';
import { useFormatter, useTranslations } from 'next-intl';
import { useRef, useState } from 'react';
import { Button } from '#components/ui/button.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { Progress } from '#components/ui/progress.tsx';
import { inUnits, useProblemText } from './problem-text.ts';
import { type Sent, sendPackage, type Taken } from './send-package.ts';

/** Choose a zip, send it, and hear at once what it is or what is wrong with it. */
export function HandIn({
  schoolId,
  systemId,
  linkToken = null,
  onDone,
}: {
  schoolId: string;
  systemId: string;
  /** Of a technical contact without an account. */
  linkToken?: string | null;
  /** Whether it was taken in or not: what is held may have changed. */
  onDone: (taken: boolean) => unknown;
}) {
  const t = useTranslations('packages.handIn');
  const size = useSize();
  const [file, setFile] = useState<File | null>(null);
  const [sent, setSent] = useState<number | null>(null);
  const [answer, setAnswer] = useState<{ name: string; sent: Sent } | null>(null);
  const stop = useRef<AbortController | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const submit = async () => {
    if (file === null) {
      input.current?.focus();
      return;
    }
    setAnswer(null);
    setSent(0);
    stop.current = new AbortController();
    const came = await sendPackage({ schoolId, systemId, linkToken }, file, {
      onProgress: setSent,
      signal: stop.current.signal,
    });
    setSent(null);
    setAnswer({ name: file.name, sent: came });
    if (came.kind === 'taken') {
      setFile(null);
      if (input.current !== null) input.current.value = '';
    }
    if (came.kind !== 'stopped') onDone(came.kind === 'taken');
  };
  const isAllThere = file !== null && sent !== null && sent >= file.size;
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Field
        label={t('file')}
        hint={file === null ? t('fileHint') : t('chosen', { name: file.name, size: size(file.size) })}
      >
        <Input
          ref={input}
          type="file"
          accept=".zip,application/zip"
          disabled={sent !== null}
          onChange={(event) => {
            setFile(event.target.files?.[0] ?? null);
            setAnswer(null);
          }}
        />
      </Field>
      {sent !== null && file !== null && (
        <div className="grid gap-2" role="status">
          <Progress
            value={isAllThere ? null : sent / Math.max(1, file.size)}
            label={isAllThere ? t('looking') : t('sending', { done: size(sent), total: size(file.size) })}
          />
          <p className="text-ink-2 text-sm tabular-nums">
            {isAllThere ? t('looking') : t('sending', { done: size(sent), total: size(file.size) })}
          </p>
        </div>
      )}
      {answer !== null && <Answer name={answer.name} sent={answer.sent} />}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" pending={sent !== null} disabled={file === null}>
          {t('submit')}
        </Button>
        {sent !== null && <Button onClick={() => stop.current?.abort()}>{t('cancel')}</Button>}
      </div>
    </form>
  );
}

export function useSize(): (bytes: number) => string {
  const format = useFormatter();
  return (bytes) => {
    const { value, unit } = inUnits(bytes);
    return format.number(value, {
      style: 'unit',
      unit,
      unitDisplay: unit === 'byte' ? 'long' : 'short',
      maximumFractionDigits: 1,
    });
  };
}

function Answer({ name, sent }: { name: string; sent: Sent }) {
  const t = useTranslations('packages.handIn');
  const problem = useProblemText();
  if (sent.kind === 'stopped') {
    return (
      <p role="status" className="text-ink-2">
        {t('stopped')}
      </p>
    );
  }
  if (sent.kind === 'refused') {
    return (
      <div role="alert" className="flex items-start gap-3 rounded-control border border-fail bg-fail-bg px-4 py-3">
        <TriangleAlert className="mt-0.5 size-5 shrink-0 text-fail" aria-hidden />
        <p className="min-w-0 break-words font-semibold">{problem(sent.code, sent.details)}</p>
      </div>
    );
  }
  return <TakenIn name={name} taken={sent.taken} />;
}

function TakenIn({ name, taken }: { name: string; taken: Taken }) {
  const t = useTranslations('packages.handIn');
  const problem = useProblemText();
  const read = taken.files.filter(({ state }) => state === 'readable');
  return (
    <div role="status" className="grid gap-2 rounded-control border border-line px-4 py-3">
      <p className="flex items-start gap-2 font-semibold">
        <CircleCheck className="mt-0.5 size-5 shrink-0 text-live" aria-hidden />
        <span className="min-w-0 break-words">{t('taken', { name, version: taken.version, files: read.length })}</span>
      </p>
      <p>{t(taken.syncRunId === null ? 'takenWaits' : 'takenRun')}</p>
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-ink-2 text-sm">
        {read.map(({ name: file, mode }) => (
          <li key={file}>{t('ofFile', { file, mode: mode ?? 'none' })}</li>
        ))}
      </ul>
      {taken.problems.length > 0 && (
        <>
          <h3>{t('notes')}</h3>
          <ul className="grid gap-1 text-sm">
            {taken.problems.map(({ code, ...place }) => (
              <li key={`${code} ${place.file}`}>{problem(code, place)}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
