/** Dais: a server in a separate process, called through its API. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Execution, ExecutionNode, SubmitExecutionInput } from '@dais/api/executions';
import { commandOf, controlOf, treeOf } from '../../packages/server/src/testing/dais-process.ts';
import { findPython } from '../../tools/python.mjs';
import { startOwnServer } from '../lib/own-server.ts';
import { ownCpuOf } from '../lib/processes.ts';
import { layersOf, type Graph, type Kind, type Runner } from './graphs.ts';

const POLL_MS = 50;
/** Of a step: it is ready, it runs, it has ended. */
const TRANSITIONS = 3;

export interface OwnRunner extends Runner {
  /** Milliseconds of CPU so far of what decides and of its database: without the steps and what starts them. */
  engineCpu(): number;
  /** From the moment at which a step may run to its first instruction, of each step of a chain. */
  startDelays(steps: number): Promise<readonly number[]>;
  /** From the request to the end of a run that prints hello. */
  helloWorld(): Promise<number>;
}

type Steps = SubmitExecutionInput['steps'];

export function transitionsOf(steps: number): number {
  return steps * TRANSITIONS;
}

export async function startOwn(root: string): Promise<OwnRunner> {
  const { name, url, pids, stop } = await startOwnServer(root);
  const [pid = 0] = pids;
  const commands: Record<Kind, readonly [string, ...string[]]> = {
    command: ['true'],
    python: [(await findPython()).path, '-c', 'pass'],
  };
  const ask = async <Answer>(path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${url}/api/v1/executions${path}`, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  /** The end time is the server's: the polling interval does not matter. */
  const runSteps = async (steps: Steps): Promise<Execution & { readonly wallMs: number }> => {
    const begin = Date.now();
    const { id } = await ask<Execution>('', { name: 'benchmark', steps });
    for (;;) {
      const { items } = await ask<{ items: Execution[] }>('?limit=1');
      const run = items.find((one) => one.id === id);
      if (run === undefined) throw new Error('another run was begun meanwhile');
      if (run.endedAt === undefined) await delay(POLL_MS);
      else if (run.state !== 'succeeded') throw new Error(`the run is ${run.state}: ${run.error}`);
      else return { ...run, wallMs: run.endedAt - begin };
    }
  };
  const engineCpu = () => {
    const parts = treeOf(pid).filter((one) => commandOf(one).startsWith('postgres'));
    const control = controlOf(pid);
    if (control === undefined || parts.length === 0) throw new Error('the processes of Dais are not found');
    return [control, ...parts].reduce((sum, one) => sum + ownCpuOf(one), 0);
  };
  return {
    name,
    pids,
    engineCpu,
    run: async (graph: Graph) => {
      const steps = stepsOf(graph, commands[graph.kind]);
      const { wallMs } = await runSteps(steps);
      return { steps: Object.keys(steps).length, wallMs };
    },
    startDelays: async (count) => {
      const names = Array.from({ length: count }, (_, n) => `s${n}`);
      const step = { command: ['sh', '-c', 'date +%s%3N > at'], outputs: { at: { path: 'at', as: 'json' as const } } };
      const steps = names.map((name, n) => [
        name,
        { ...step, isolation: 'none' as const, needs: n === 0 ? [] : [`s${n - 1}`] },
      ]);
      const { id, createdAt } = await runSteps(Object.fromEntries(steps) as Steps);
      const { items } = await ask<{ items: ExecutionNode[] }>(`/${id}/nodes?limit=1000`);
      const nodes = new Map(items.map((node) => [node.path, node]));
      return names.map((name, n) => {
        const output = nodes.get(name)?.outputs['at'];
        const began = output !== undefined && 'parameter' in output ? Number(output.parameter) : NaN;
        return began - (n === 0 ? createdAt : (nodes.get(`s${n - 1}`)?.endedAt ?? NaN));
      });
    },
    helloWorld: async () => (await runSteps({ hello: { command: ['echo', 'hello'] } })).wallMs,
    stop,
  };
}

function stepsOf(graph: Graph, command: readonly [string, ...string[]]): Steps {
  const steps: Steps = {};
  let before: string[] = [];
  for (const [depth, width] of layersOf(graph).entries()) {
    const now = Array.from({ length: width }, (_, n) => `s${depth}-${n}`);
    // Peers isolate nothing.
    for (const name of now) steps[name] = { command: [...command], needs: before, isolation: 'none' };
    before = now;
  }
  return steps;
}
