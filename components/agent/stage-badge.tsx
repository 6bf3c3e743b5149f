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

/** Whether something begun waits for this agent. A prospect that nobody has begun with waits for nothing. */
export const isOwnTurn = (row: PipelineRow) =>
  row.next !== 'draw-up' && (row.turn === 'agent' || row.turn === 'agent-administrator');
