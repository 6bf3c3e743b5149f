import Link from 'next/link';
import type { ReactNode } from 'react';
import { classNames } from '#components/ui/class-names.ts';
import { StateBadge, type StateLook } from '#components/ui/state-badge.tsx';

export interface GraphNode {
  readonly id: string;
  /** "SIS", "LMS", "Marketplace". */
  readonly kind: string;
  readonly name: string;
  readonly detail: ReactNode;
  readonly href?: string;
}

export interface GraphEdge {
  readonly id: string;
  readonly look: StateLook;
  /** State and whose turn, in words: "Failing since 09:12 · your turn". */
  readonly state: ReactNode;
  /** What flows, in words. */
  readonly flows: ReactNode;
  /** When data was last received, or what comes next. */
  readonly note?: ReactNode;
  readonly href?: string;
  /** Read aloud instead of the drawing: "Schoolwijs receives subjects from Registra: live". */
  readonly label: string;
}

/** A system with its edge to the hub; `instead` stands where there is none: what could be done about it. */
export interface GraphPlace {
  readonly node: GraphNode;
  readonly edge: GraphEdge | null;
  readonly instead?: ReactNode;
}

interface ConnectionGraphProps {
  readonly title: ReactNode;
  readonly hub: GraphNode;
  /** SISs at the left, each with its edge to the hub, if there is one. */
  readonly producers: readonly GraphPlace[];
  /** LMSs at the right, each with its edge to the hub, if there is one. */
  readonly platforms: readonly GraphPlace[];
  /** Edges that pass the hub by: an LMS that receives from a SIS. Drawn below, from left to right. */
  readonly across?: readonly GraphEdge[];
  /** Shown in an empty column: the first step. */
  readonly addProducer?: ReactNode;
  readonly addPlatform?: ReactNode;
}

const colour: Record<StateLook, string> = {
  live: 'text-live',
  wait: 'text-wait',
  fail: 'text-fail',
  rest: 'text-rest',
};

/** The line itself: solid where data flows, dashed where somebody must act, broken where it fails, thin where it rests. */
function Lane({ look, towards }: { look: StateLook; towards: 'right' | 'left' }) {
  const dash = { live: undefined, wait: '10 7', fail: '28 14', rest: '2 6' }[look];
  return (
    <span className={classNames('flex h-3.5 max-md:hidden', towards === 'left' && 'rotate-180')}>
      <svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true" className="h-3.5 min-w-0 flex-1">
        <line
          x1="0"
          y1="7"
          x2="100"
          y2="7"
          stroke="currentColor"
          strokeWidth="3"
          strokeDasharray={dash}
          vectorEffect="non-scaling-stroke"
        />
      </svg>
      {/* The head apart from the line, which is as long as there is room: a head keeps its shape. */}
      <svg viewBox="0 0 14 14" aria-hidden="true" className="size-3.5 shrink-0">
        <path d="M0 1.5 13.5 7 0 12.5z" fill="currentColor" />
      </svg>
    </span>
  );
}

/** On a phone the graph stands upright: the line points down to what receives, or up. */
function UprightLane({ look, towards }: { look: StateLook; towards: 'down' | 'up' }) {
  const dash = { live: undefined, wait: '6 4', fail: '10 8', rest: '2 4' }[look];
  return (
    <svg
      viewBox="0 0 14 34"
      width="14"
      height="34"
      aria-hidden="true"
      className={classNames('mx-auto md:hidden', towards === 'up' && 'rotate-180')}
    >
      <line x1="7" y1="0" x2="7" y2="26" stroke="currentColor" strokeWidth="3" strokeDasharray={dash} />
      <path d="M1.5 24 7 33 12.5 24z" fill="currentColor" />
    </svg>
  );
}

function Node({ node, hub = false }: { node: GraphNode; hub?: boolean }) {
  const inner = (
    <>
      <span className="block text-ink-2 text-sm">{node.kind}</span>
      <span className="block break-words font-bold">{node.name}</span>
      <span className="block break-words text-ink-2 text-sm">{node.detail}</span>
    </>
  );
  const look = classNames(
    'block rounded-card bg-paper px-3.5 py-3 no-underline',
    hub ? 'grid h-full content-center border-2 border-ink text-center' : 'border border-edge',
    node.href !== undefined && 'hover:bg-sunken',
  );
  return node.href === undefined ? (
    <div className={look}>{inner}</div>
  ) : (
    <Link href={node.href} className={look}>
      {inner}
    </Link>
  );
}

function Edge({ edge, towards, upright }: { edge: GraphEdge; towards: 'right' | 'left'; upright: 'down' | 'up' }) {
  const inner = (
    <>
      <StateBadge look={edge.look}>{edge.state}</StateBadge>
      <span className={classNames('block', colour[edge.look])}>
        <Lane look={edge.look} towards={towards} />
        <UprightLane look={edge.look} towards={upright} />
      </span>
      <span className="block text-sm">{edge.flows}</span>
      {edge.note !== undefined && <span className="block text-ink-2 text-sm">{edge.note}</span>}
    </>
  );
  const look = 'block px-2 py-2 text-center no-underline';
  return edge.href === undefined ? (
    <div className={look}>{inner}</div>
  ) : (
    <Link href={edge.href} aria-label={edge.label} className={classNames(look, 'rounded-card hover:bg-sunken')}>
      {inner}
    </Link>
  );
}

/** The school's connections, drawn: systems around the marketplace, each line with its state, what flows and whose turn it is. */
export function ConnectionGraph({
  title,
  hub,
  producers,
  platforms,
  across = [],
  addProducer,
  addPlatform,
}: ConnectionGraphProps) {
  const rows = Math.max(producers.length, platforms.length, 1);
  return (
    <section className="rounded-card border border-line bg-card p-5 md:px-7 md:pt-6 md:pb-7">
      <h2>{title}</h2>
      <div className="mt-4 grid items-center gap-y-3 md:grid-cols-[minmax(170px,230px)_1fr_minmax(170px,230px)_1fr_minmax(170px,230px)]">
        {/* DOM order is reading order: SISs, marketplace, LMSs. The grid places them in columns from 760 px on. */}
        {producers.length === 0 && (
          <div className="md:col-start-1 md:row-start-1" style={spanIfAlone(1, rows)}>
            {addProducer}
          </div>
        )}
        {producers.map(({ node, edge, instead }, index) => (
          <div key={node.id} className="contents">
            <div className={classNames('md:col-start-1', startRow(index))} style={spanIfAlone(producers.length, rows)}>
              <Node node={node} />
            </div>
            <div className={classNames('md:col-start-2', startRow(index))} style={spanIfAlone(producers.length, rows)}>
              {edge === null ? instead : <Edge edge={edge} towards="right" upright="down" />}
            </div>
          </div>
        ))}
        <div className="md:col-start-3 md:row-start-1 md:h-full" style={{ gridRowEnd: `span ${rows}` }}>
          <Node node={hub} hub />
        </div>
        {platforms.length === 0 && (
          <div className="md:col-start-5 md:row-start-1" style={spanIfAlone(1, rows)}>
            {addPlatform}
          </div>
        )}
        {platforms.map(({ node, edge, instead }, index) => (
          <div key={node.id} className="contents">
            <div className={classNames('md:col-start-4', startRow(index))} style={spanIfAlone(platforms.length, rows)}>
              {edge === null ? instead : <Edge edge={edge} towards="left" upright="up" />}
            </div>
            <div className={classNames('md:col-start-5', startRow(index))} style={spanIfAlone(platforms.length, rows)}>
              <Node node={node} />
            </div>
          </div>
        ))}
        {across.map((edge) => (
          <div key={edge.id} className="md:col-span-full">
            <Edge edge={edge} towards="right" upright="down" />
          </div>
        ))}
      </div>
    </section>
  );
}

/** One system beside several sits in the middle of them, so that its line meets the hub there. */
function spanIfAlone(systems: number, rows: number): { gridRowEnd: string } | undefined {
  return systems === 1 && rows > 1 ? { gridRowEnd: `span ${rows}` } : undefined;
}

const starts = [
  'md:row-start-1',
  'md:row-start-2',
  'md:row-start-3',
  'md:row-start-4',
  'md:row-start-5',
  'md:row-start-6',
  'md:row-start-7',
  'md:row-start-8',
];
/** A school has a handful of systems; beyond the eighth the grid places them itself. */
function startRow(index: number): string {
  return starts[index] ?? '';
}
