/** What the runs of one graph cost, of Dais and of each peer, and how the two compare. */
import type { Claims } from '../lib/claims.mjs';

export interface Cost {
  readonly steps: number;
  /** Milliseconds per step, without the bare work. */
  readonly cpu: number;
  readonly wall: number;
}

export interface Overhead extends Cost {
  readonly name: string;
  /** Each step is a process of its own. */
  readonly processes: boolean;
}

/** Times less than the best of the peers, of CPU and on the clock. */
const TARGET = 5;

export function printGraph(graph: string, own: Overhead, peers: readonly Overhead[], claims: Claims): void {
  const columns = (cells: readonly string[]) => cells.map((cell) => cell.padStart(14)).join('');
  console.log(`\n${graph.padEnd(34)}${columns(['steps', 'CPU ms/step', 'wall ms/step'])}   times less CPU, wall`);
  for (const peer of [...peers, own]) {
    const ratios = peer === own ? '' : `   ${times(peer.cpu, own.cpu)}, ${times(peer.wall, own.wall)}`;
    const cells = [String(peer.steps), peer.cpu.toFixed(1), peer.wall.toFixed(1)];
    console.log(`  ${peer.name.padEnd(32)}${columns(cells)}${ratios}`);
  }
  const alike = peers.filter(({ processes }) => processes);
  for (const what of ['cpu', 'wall'] as const) {
    const word = what === 'cpu' ? 'CPU' : 'wall time';
    for (const [group, among] of [
      ['the best peer', peers],
      ['the best with a process for each step', alike],
    ] as const) {
      const best = among.toSorted((one, other) => one[what] - other[what])[0];
      if (best === undefined) continue;
      const ratio = best[what] / own[what];
      const measured = `${ratio.toFixed(1)} × (${best.name})`;
      const claim = `${graph}: ${TARGET} times less ${word} than ${group}`;
      const result = claims.judge(claim, ratio >= TARGET, measured);
      console.log(`  ${word}, ${group}: ${measured}   target ${TARGET}: ${result}`);
    }
  }
}

function times(peer: number, own: number): string {
  return (peer / own).toFixed(1);
}
