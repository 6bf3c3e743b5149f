'use client';

import { useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { useAgo } from '#components/ui/relative-time.tsx';
import type { SchoolRole, Turn } from '#db/schema/vocabulary.ts';

export type Edge = Outputs['connections']['schoolGraph']['edges'][number];

/** State, turn, cause and next step of an edge in words, as the holder of these roles reads them. */
export function useEdgeWords(roles: readonly SchoolRole[]) {
  const t = useTranslations('connections');
  const ago = useAgo();
  const isYours = (turn: Turn) => roles.some((role) => role === turn);
  return {
    isYours,
    /** "Failing · your turn". */
    state: ({ state, turn }: Pick<Edge, 'state' | 'turn'>) => {
      if (turn === 'nobody' || turn === 'crosswalk') return t(`state.${state}`);
      return `${t(`state.${state}`)} · ${isYours(turn) ? t('turnYours') : t('turnOf', { who: t(`turn.${turn}`) })}`;
    },
    cause: ({ cause, about }: Pick<Edge, 'cause' | 'about'>) => t(`cause.${cause}`, { system: about.name }),
    next: ({ next, about }: Pick<Edge, 'next' | 'about'>) => t(`next.${next}`, { system: about.name }),
    turn: (turn: Turn) => t(`turn.${turn}`),
    /** "4 minutes ago". */
    ago,
  };
}

/** Where an edge's next step is done. */
export function hrefOfNext(
  schoolId: string,
  {
    next,
    connectionId,
    systemId,
    requestId,
  }: { next: string; connectionId: string; systemId: string; requestId: string | null },
): string {
  const base = `/school/${schoolId}`;
  switch (next) {
    case 'decide':
      return requestId === null ? `${base}/connections/${connectionId}` : `${base}/requests/${requestId}`;
    case 'enter-address':
    case 'enter-credential':
    case 'correct-credential':
    case 'renew-credential':
    case 'widen-credential':
    case 'enter-lms-credential':
    case 'renew-lms-credential':
    case 'widen-lms-credential':
    case 'restore-address':
    case 'check-system':
      return `${base}/systems/${systemId}`;
    case 'prepare-push':
    case 'review-push':
    case 'look-at-push':
      return `${base}/connections/${connectionId}/push`;
    case 'release':
      return base;
    case 'renew':
      return `${base}/renewals`;
    case 'renew-agreement':
      return `${base}/agreements`;
    default:
      return `${base}/connections/${connectionId}`;
  }
}
