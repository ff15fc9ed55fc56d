/** The graphs that every peer runs, and the work of their steps. */

export type Shape = 'chain' | 'fan' | 'diamonds';
/** `command`: runs `true`. `python`: a component in Python that does nothing. */
export type Kind = 'command' | 'python';

export interface Graph {
  readonly name: string;
  readonly shape: Shape;
  /** Of a chain and a fan: how many steps; of five diamonds: the steps of each. */
  readonly size: number;
  readonly kind: Kind;
}

/** `full`: as large as they are claimed. */
export function graphs(full: boolean): readonly Graph[] {
  const [chain, fan, diamond] = full ? [100, 1000, 200] : [20, 50, 10];
  return [
    { name: '1 step', shape: 'chain', size: 1, kind: 'command' },
    { name: `${chain} steps, one after the other`, shape: 'chain', size: chain, kind: 'command' },
    { name: `${fan} parallel steps`, shape: 'fan', size: fan, kind: 'command' },
    { name: `5 diamonds of ${diamond} steps`, shape: 'diamonds', size: diamond, kind: 'command' },
    { name: '1 Python component', shape: 'chain', size: 1, kind: 'python' },
  ];
}

/** Widths of its layers, each step of which waits for all of the layer before. */
export function layersOf({ shape, size }: Graph): readonly number[] {
  if (shape === 'chain') return Array.from({ length: size }, () => 1);
  if (shape === 'fan') return [size];
  return Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? size - 1 : 1));
}

/** The measurement of a run of a graph. */
export interface GraphRun {
  /** How many steps ran: one of the peers needs some of its own. */
  readonly steps: number;
  readonly wallMs: number;
}

/** Something that runs graphs. */
export interface Runner {
  readonly name: string;
  /** Its root processes; they and their descendants do all the work. */
  readonly pids: readonly number[];
  run(graph: Graph): Promise<GraphRun>;
  stop(): Promise<void>;
}
