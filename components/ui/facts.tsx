import { Fragment, type ReactNode } from 'react';
import { classNames } from './class-names.ts';

/** Names and values in two columns that line up; a value that is null is left out with its name. */
export function Facts({
  items,
  className,
}: {
  items: readonly (readonly [name: ReactNode, value: ReactNode | null])[];
  className?: string;
}) {
  return (
    <dl className={classNames('grid grid-cols-[minmax(84px,max-content)_minmax(0,1fr)] gap-x-4 gap-y-1.5', className)}>
      {items.map(([name, value], index) =>
        value === null ? null : (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list of facts of a page keeps its order
          <Fragment key={index}>
            <dt className="text-ink-2 text-sm leading-[22px]">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </Fragment>
        ),
      )}
    </dl>
  );
}
