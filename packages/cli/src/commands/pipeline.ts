/** `dais pipeline run`, `graph` and `retry`. */
import { randomUUID } from 'node:crypto';
import { DaisError, type DaisClient } from '@dais/api';
import {
  graphPipelineOperation,
  readExecutionOperation,
  retryExecutionOperation,
  runPipelineOperation,
  type Execution,
  type PipelineGraph,
} from '@dais/api/executions';
import { sendCode } from '#commands/run.ts';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { printable } from '#output/width.ts';
import { followSteps } from '#runs/follow-steps.ts';

interface RunOptions {
  readonly param?: readonly string[];
  readonly pipelineVersion?: string;
  readonly title?: string;
  readonly priority?: number;
  readonly code?: true;
  readonly wait: boolean;
}

export const runPipeline: Run<RunOptions> = async (context, [name = ''], options) => {
  const { param = [], pipelineVersion, title, priority, wait } = options;
  const client = await context.connect();
  const version = pipelineVersion === undefined ? {} : { version: pipelineVersion };
  const parameters = param.length === 0 ? {} : await readParameters(client, { name, ...version }, param);
  const code = options.code === true ? await sendCode(context, client) : undefined;
  const made = await client.perform(
    runPipelineOperation,
    {
      name,
      ...version,
      parameters,
      ...(title !== undefined && { title }),
      ...(priority !== undefined && { priority }),
      ...(code !== undefined && { code }),
    },
    { idempotencyKey: randomUUID() },
  );
  return await printRun(context, client, made, wait);
};

async function printRun(context: Context, client: DaisClient, made: Execution, wait: boolean): Promise<number> {
  for (const warning of made.warnings ?? []) context.terminal.err(`warning: ${warning}\n`);
  let run = made;
  let exitCode: number = exitCodes.ok.code;
  if (wait) {
    remark(context, `Pipeline run ${made.id}`);
    exitCode = await followSteps(context, client, made.id);
    run = await client.perform(readExecutionOperation, { id: made.id });
  }
  if (context.globals.output === 'name') context.terminal.out(`${run.id}\n`);
  else if (!(await printedForPrograms(context, run))) {
    const text = wait ? `ended: ${run.state}` : `submitted. List it with: dais runs`;
    context.terminal.out(`Pipeline run ${run.id} ${text}\n`);
  }
  return exitCode;
}

/** Text is taken literally for a text parameter, and parsed as JSON for others. */
async function readParameters(
  client: DaisClient,
  pipeline: { readonly name: string; readonly version?: string },
  given: readonly string[],
) {
  const { parameters } = await client.perform(graphPipelineOperation, pipeline);
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) {
        throw new DaisError('invalid_request', `--param does not take "${text}": give it NAME=VALUE.`);
      }
      const [name, value] = [text.slice(0, at), text.slice(at + 1)];
      const type = Object.hasOwn(parameters, name) ? parameters[name]?.type : undefined;
      return [name, type === undefined || type === 'string' ? value : valueOf(value)];
    }),
  );
}

/** Invalid JSON stays text, and the server rejects it with the expected type. */
function valueOf(text: string) {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}

interface GraphOptions {
  readonly pipelineVersion?: string;
  readonly dot?: true;
}

export const showGraph: Run<GraphOptions> = async (context, [name = ''], { pipelineVersion, dot }) => {
  const client = await context.connect();
  const graph = await client.perform(graphPipelineOperation, {
    name,
    ...(pipelineVersion !== undefined && { version: pipelineVersion }),
  });
  if (dot === true) context.terminal.out(dotText(graph));
  else if (!(await printedForPrograms(context, graph))) context.terminal.out(graphText(graph));
  for (const warning of graph.warnings) context.terminal.err(`warning: ${warning}\n`);
  if (graph.more) remark(context, 'The graph is truncated.');
  return exitCodes.ok.code;
};

/** Steps without dependencies first, each group with its content. */
function graphText({ nodes, edges }: PipelineGraph): string {
  const before = (path: string) =>
    edges.filter(({ to }) => to === path).map(({ from }) => from.split('/').at(-1) ?? '');
  const lines: string[] = [];
  const addGroup = (group: string): void => {
    const inside = nodes.filter(({ path }) => path.slice(0, path.lastIndexOf('/') + 1) === group);
    const left = new Set(inside.map(({ path }) => path));
    while (left.size > 0) {
      const waits = ({ path }: { readonly path: string }) =>
        edges.some(({ from, to }) => to === path && left.has(from));
      const next = inside.filter((node) => left.has(node.path) && !waits(node));
      // The server rejects cycles.
      for (const node of next.length > 0 ? next : inside.filter(({ path }) => left.has(path))) {
        left.delete(node.path);
        const name = node.path.slice(group.length);
        const needs = before(node.path);
        const words = [
          ...(node.kind === 'loop' ? ['for each item'] : []),
          ...(node.conditional ? ['if the condition is true'] : []),
          ...(node.always ? ['always'] : []),
          ...(needs.length > 0 ? [`after ${needs.join(', ')}`] : []),
        ];
        const indent = '  '.repeat(node.path.split('/').length - 1);
        lines.push(`${indent}${printable(name)}${words.length === 0 ? '' : `  (${words.join('; ')})`}`);
        if (node.group) addGroup(`${node.path}/`);
      }
    }
  };
  addGroup('');
  return `${lines.join('\n')}\n`;
}

function dotText({ nodes, edges }: PipelineGraph): string {
  const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const shape = { step: 'box', graph: 'folder', loop: 'box3d' } as const;
  return [
    'digraph pipeline {',
    '  rankdir=LR;',
    ...nodes.map(({ path, kind, conditional }) => {
      const style = conditional ? ', style=dashed' : '';
      return `  ${quoted(path)} [shape=${shape[kind]}${style}];`;
    }),
    ...edges.map(({ from, to }) => `  ${quoted(from)} -> ${quoted(to)};`),
    '}',
    '',
  ].join('\n');
}

interface RetryOptions {
  readonly from?: readonly string[];
  readonly wait: boolean;
}

export const retryRun: Run<RetryOptions> = async (context, [id = ''], { from = [], wait }) => {
  const client = await context.connect();
  const made = await client.perform(
    retryExecutionOperation,
    { id, again: [...from] },
    { idempotencyKey: randomUUID() },
  );
  return await printRun(context, client, made, wait);
};
