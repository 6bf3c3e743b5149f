'use client';

import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { classNames } from '#components/ui/class-names.ts';

const parts = [
  ['received', ''],
  ['register', '/register'],
  ['receipts', '/receipts'],
  ['withheld', '/withheld'],
] as const;

/** The pages about a school's data; whom it withholds only its administrators see. */
export function DataParts({ schoolId }: { schoolId: string }) {
  const t = useTranslations('schoolData');
  const pathname = usePathname();
  const trpc = useTRPC();
  const { data: me } = useQuery(trpc.people.whoAmI.queryOptions({}));
  const isAdministrator = me?.account?.organisations.some(
    ({ organisationId, roles }) =>
      organisationId === schoolId && roles.some(({ role }) => role === 'school-administrator'),
  );
  const base = `/school/${schoolId}/data`;
  return (
    <nav aria-label={t('parts')} className="-mx-4 overflow-x-auto border-line border-b px-4 md:mx-0 md:px-0">
      <ul className="flex gap-5">
        {parts.map(([part, path]) => {
          const here = pathname === `${base}${path}`;
          if (part === 'withheld' && !here && isAdministrator !== true) return null;
          return (
            <li key={part}>
              <Link
                href={`${base}${path}`}
                aria-current={here ? 'page' : undefined}
                className={classNames(
                  'inline-flex min-h-9 items-center whitespace-nowrap border-b-2 no-underline',
                  here ? 'border-accent font-semibold text-ink' : 'border-transparent text-ink-2 hover:text-ink',
                )}
              >
                {t(`part.${part}`)}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
