import type { ComponentProps, ReactNode } from 'react';
import { classNames } from './class-names.ts';

export function Card({ className, ...props }: ComponentProps<'section'>) {
  return <section className={classNames('rounded-card border border-line bg-card p-5', className)} {...props} />;
}

/** A card with a heading of its own and, at its right, what can be done. */
export function Section({
  title,
  action,
  children,
  className,
}: {
  title: ReactNode;
  action?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <Card className={classNames('grid content-start gap-3', className)}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2>{title}</h2>
        {action}
      </div>
      {children}
    </Card>
  );
}

/** Something that waits for the reader: says what, and the one thing to do about it. */
export function Ask({
  look = 'wait',
  children,
  action,
}: {
  look?: 'wait' | 'fail' | 'live';
  children: ReactNode;
  action?: ReactNode;
}) {
  const edge = { wait: 'border-l-wait', fail: 'border-l-fail', live: 'border-l-live' }[look];
  return (
    <Card className={classNames('flex flex-wrap items-center gap-x-5 gap-y-3 border-l-4 px-[18px] py-3.5', edge)}>
      <div className="min-w-60 flex-1">{children}</div>
      {action}
    </Card>
  );
}
