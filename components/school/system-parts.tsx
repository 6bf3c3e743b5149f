'use client';

import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { classNames } from '#components/ui/class-names.ts';
import type { SchoolRole, SystemKind } from '#db/schema/vocabulary.ts';

const parts = [
  { part: 'system', path: '', roles: null, sisOnly: false },
  { part: 'packages', path: '/packages', roles: null, sisOnly: true },
  { part: 'sync', path: '/sync', roles: ['school-administrator', 'technical-contact'], sisOnly: false },
  {
    part: 'streams',
    path: '/streams',
    roles: ['school-administrator', 'technical-contact', 'approver'],
    sisOnly: true,
  },
  { part: 'replace', path: '/replace', roles: ['school-administrator', 'approver'], sisOnly: true },
] as const;

/** The pages about one system that its reader may see. */
export function SystemParts({
  schoolId,
  systemId,
  kind,
  roles,
}: {
  schoolId: string;
  systemId: string;
  kind: SystemKind;
  roles: readonly SchoolRole[];
}) {
  const t = useTranslations('syncSettings.parts');
  const pathname = usePathname();
  const base = `/school/${schoolId}/systems/${systemId}`;
  const trpc = useTRPC();
  const source = useQuery({ ...trpc.packages.source.queryOptions({ schoolId, systemId }), enabled: kind === 'sis' });
  const isHandedIn = source.data?.source === 'handed-in';
  const shown = parts.filter(
    (part) =>
      (part.part !== 'packages' || isHandedIn) &&
      (part.roles === null || part.roles.some((role) => roles.includes(role))) &&
      (kind === 'sis' || !part.sisOnly),
  );
  if (shown.length < 2) return null;
  return (
    <nav aria-label={t('label')} className="-mx-4 mb-5 overflow-x-auto border-line border-b px-4 md:mx-0 md:px-0">
      <ul className="flex gap-5">
        {shown.map(({ part, path }) => {
          const here = pathname === `${base}${path}`;
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
                {t(part)}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
