import { useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { StateBadge, type StateLook } from '#components/ui/state-badge.tsx';

export type PipelineRow = Outputs['schools']['listPipeline'][number];
export type Stage = PipelineRow['stage'];

const looks: Record<Stage, StateLook> = {
  prospect: 'rest',
  'agreement-out': 'wait',
  connecting: 'wait',
  live: 'live',
  'needs-attention': 'fail',
};

export const stages = ['needs-attention', 'prospect', 'agreement-out', 'connecting', 'live'] as const;

export function StageBadge({ stage }: { stage: Stage }) {
  const t = useTranslations('schools.stage');
  return <StateBadge look={looks[stage]}>{t(stage)}</StateBadge>;
}

/** Whether it is this agent's own move. */
export const isOwnTurn = (row: PipelineRow) => row.turn === 'agent' || row.turn === 'agent-administrator';
