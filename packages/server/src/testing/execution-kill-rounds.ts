/**
 * Kills a whole Dais repeatedly during a run of many small steps, some of which fail in their first attempt and each of
 * which depends on many. A step records its start, so that repeated executions are visible. The same steps ran before
 * without kills: every step must end as it did then, with the same outputs.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Execution, ExecutionAttempt, ExecutionNode, SubmitExecutionInput } from '@dais/api/executions';
import type { UsageRecord } from '@dais/api/usage';
import { expect } from 'vitest';
import { controlOf, freePort, isAlive, killTree, startDaisProcess, treeOf } from './dais-process.ts';

export interface ExecutionKillReport {
  readonly kills: number;
  readonly problems: readonly string[];
  readonly exitCode: number | string;
}

const PATIENCE = { timeout: 600_000, interval: 100 };
/** One step in so many fails the first time. */
const FAILS_EVERY = 7;

type Steps = SubmitExecutionInput['steps'];

export async function executionKillRounds(
  folder: string,
  { layers, width, kills }: { readonly layers: number; readonly width: number; readonly kills: number },
  random: () => number,
): Promise<ExecutionKillReport> {
  const problems: string[] = [];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const journal = join(folder, `journal-${port}`);
  await writeFile(journal, '');
  const launch = async () => {
    const dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys'), port });
    const at = await dais.ready;
    // The next port is used only if this one is occupied: by an orphan of the previous round.
    if (!at.endsWith(`:${port}`)) problems.push(`${at} instead of port ${port}`);
    return dais;
  };
  const read = async <Output>(path: string): Promise<Output> => {
    const response = await fetch(`${url}/api/v1/executions${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Output;
  };

  const submit = async (to: string) => {
    const response = await fetch(`${url}/api/v1/executions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'many', steps: manySteps(layers, width, to) }),
    });
    expect(response.status).toBe(201);
    return ((await response.json()) as Execution).id;
  };
  const ended = async (run: string) => (await read<Execution>(`/${run}`)).endedAt !== undefined;

  let dais = await launch();
  const calm = `${journal}-calm`;
  await writeFile(calm, '');
  const undisturbed = await submit(calm);
  await expect.poll(async () => await ended(undisturbed), PATIENCE).toBe(true);
  const model = new Map((await all<ExecutionNode>(read, `/${undisturbed}/nodes`)).map((node) => [node.path, node]));

  const id = await submit(journal);
  let done = 0;
  while (done < kills && !(await ended(id))) {
    await delay(random() * 800);
    if (random() < 0.3) {
      // First the control process alone: its supervisor starts another.
      const control = controlOf(dais.process.pid!);
      if (control !== undefined) process.kill(control, 'SIGKILL');
      await delay(random() * 1500);
    }
    await killTree(dais);
    done += 1;
    dais = await launch();
  }
  await expect.poll(async () => await ended(id), PATIENCE).toBe(true);
  const run = await read<Execution>(`/${id}`);
  if (run.state !== 'succeeded') problems.push(`the run is ${run.state}: ${run.error}`);
  const began = (await readFile(journal, 'utf8')).split('\n').filter((line) => line !== '');
  const nodes = await all<ExecutionNode>(read, `/${id}/nodes`);
  if (nodes.length !== model.size) problems.push(`there are ${nodes.length} nodes, and ${model.size} undisturbed`);
  for (const node of nodes) {
    if (node.path === '') continue;
    const then = model.get(node.path);
    const [now, before] = [node, then].map((one) => JSON.stringify([one?.state, one?.attempts, one?.outputs]));
    // What is blocked is so because of another one.
    if (now !== before && node.state !== 'blocked') problems.push(`${node.path} is ${now}, and ${before} undisturbed`);
    const attempts = await all<ExecutionAttempt>(read, `/${id}/attempts`, `&node=${node.path}`);
    problems.push(...problemsOf(node, attempts, began.filter((line) => line === node.path).length));
  }
  // Rounds in the same folder leave runs of before.
  const runs = (await all<Execution>(read, '')).map((one) => one.id);
  problems.push(...(await usageProblems(url, read, runs)));
  const tree = treeOf(dais.process.pid!);
  dais.process.kill('SIGTERM');
  const exitCode = await dais.ended;
  await expect.poll(() => tree.filter(isAlive), PATIENCE).toEqual([]);
  return { kills: done, problems, exitCode };
}

/** Every step of a layer waits for all of the layer before, and reads the output of one of them. */
function manySteps(layers: number, width: number, journal: string): Steps {
  const steps: Record<string, Steps[string]> = {};
  for (let layer = 0; layer < layers; layer++) {
    for (let n = 0; n < width; n++) {
      const name = nameOf(layer, n);
      const before = Array.from({ length: layer === 0 ? 0 : width }, (_, index) => nameOf(layer - 1, index));
      const fails = failsFirst(layer, n) ? `test $(grep -cx ${name} ${journal}) -gt 1 || exit 9; ` : '';
      const add = layer === 0 ? '0' : '$DAIS_INPUT_BEFORE';
      steps[name] = {
        command: ['sh', '-c', `echo ${name} >> ${journal}; ${fails}echo $((${add} + 1)) > out`],
        needs: before,
        inputs: layer === 0 ? {} : { before: { step: nameOf(layer - 1, n), output: 'out' } },
        outputs: { out: { path: 'out', as: 'json' } },
        retry: { count: 1 },
        isolation: 'none',
      };
    }
  }
  return steps;
}

function nameOf(layer: number, n: number): string {
  return `s${layer}-${n}`;
}

function failsFirst(layer: number, n: number): boolean {
  return (layer * 31 + n) % FAILS_EVERY === 0;
}

function problemsOf(node: ExecutionNode, attempts: readonly ExecutionAttempt[], began: number): string[] {
  const [layer = 0, n = 0] = node.path.slice(1).split('-').map(Number);
  const expected = failsFirst(layer, n) ? [9, 0] : [0];
  const codes = attempts.map(({ ending, code }) => (ending === 'exit' ? code : ending));
  const problems: string[] = [];
  // What is blocked is so because of another one.
  if (node.state === 'blocked') return [];
  if (node.state !== 'succeeded') problems.push(`${node.path} is ${node.state}: ${node.error}`);
  if (JSON.stringify(codes) !== JSON.stringify(expected))
    problems.push(`${node.path} ended ${JSON.stringify(attempts)}`);
  if (began !== expected.length) problems.push(`${node.path} began ${began} times`);
  const output = JSON.stringify(node.outputs['out']);
  if (output !== JSON.stringify({ parameter: layer + 1 })) problems.push(`${node.path} gave ${output}`);
  return problems;
}

/** Each attempt has one usage record, which lasts as long as the attempt. */
async function usageProblems(
  url: string,
  read: <Output>(path: string) => Promise<Output>,
  runs: readonly string[],
): Promise<string[]> {
  const attempts: ExecutionAttempt[] = [];
  for (const run of runs) attempts.push(...(await all<ExecutionAttempt>(read, `/${run}/attempts`)));
  const readUsage = async <Output>(path: string) => {
    const response = await fetch(`${url}/api/v1/usage${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Output;
  };
  const records = await all<UsageRecord>(readUsage, '/records', '&type=step');
  const found = new Map<string, number>();
  for (const { source } of records) found.set(source, (found.get(source) ?? 0) + 1);
  const problems = attempts.flatMap(({ id }) =>
    found.get(id) === 1 ? [] : [`the attempt ${id} has ${found.get(id) ?? 0} usage records`],
  );
  if (records.length !== attempts.length) {
    problems.push(`there are ${records.length} usage records of ${attempts.length} attempts`);
  }
  return problems;
}

async function all<Item>(read: <T>(path: string) => Promise<T>, path: string, query = ''): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor = ''; ;) {
    const page = await read<{ items: Item[]; nextCursor?: string }>(`${path}?limit=1000${query}${cursor}`);
    items.push(...page.items);
    if (page.nextCursor === undefined) return items;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}
