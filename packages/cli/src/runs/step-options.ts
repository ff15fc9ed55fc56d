/** Converts the options of `dais run` to a step. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DaisError } from '@dais/api';
import type { SubmitExecutionInput } from '@dais/api/executions';
import { parseDatasetReference } from '@dais/api/data';
import { isNotebook, NOTEBOOK_OUTPUT, notebookCommand } from '#runs/notebook-step.ts';

export interface StepOptions {
  readonly cpu?: string;
  readonly memory?: string;
  readonly disk?: string;
  readonly gpus?: number;
  readonly target?: string;
  readonly pool?: string;
  readonly env?: readonly string[];
  readonly envFile?: string;
  readonly secret?: readonly string[];
  readonly python?: string;
  readonly requirements?: string;
  readonly keep?: readonly string[];
  readonly data?: readonly string[];
  readonly dataOut?: readonly string[];
  readonly dataFormat?: 'parquet' | 'csv';
  readonly timeout?: number;
  readonly retries?: number;
  readonly network: boolean;
  readonly isolation?: 'required' | 'none';
  readonly experiment?: string;
}

type Step = SubmitExecutionInput['steps'][string];

/** @throws DaisError `invalid_request` naming the option. */
export async function stepOf(command: readonly string[], options: StepOptions, folder: string): Promise<Step> {
  const { cpu, memory, disk, gpus, python, requirements, timeout, retries, network, isolation, experiment } = options;
  const { target, pool } = options;
  const notebook = isNotebook(command) ? notebookCommand(command) : undefined;
  const variables = {
    ...(options.envFile !== undefined && readEnvFile(await readFile(resolve(folder, options.envFile), 'utf8'))),
    ...Object.fromEntries((options.env ?? []).map((text) => cut(text, '=', '--env', 'KEY=VALUE'))),
  };
  const resources = {
    ...(cpu !== undefined && { cpu: readCpu(cpu) }),
    ...(memory !== undefined && { memory: readBytes('--memory', memory) }),
    ...(disk !== undefined && { disk: readBytes('--disk', disk) }),
    ...(gpus !== undefined && { 'nvidia.com/gpu': gpus }),
  };
  return {
    command: [...(notebook?.command ?? command)],
    variables,
    resources,
    ...(target !== undefined && { target }),
    ...(pool !== undefined && { pool }),
    network,
    ...(options.data !== undefined && { inputs: dataInputs(options.data, options.dataFormat) }),
    secrets: Object.fromEntries((options.secret ?? []).map(readSecret)),
    outputs: {
      ...(notebook !== undefined && { [NOTEBOOK_OUTPUT]: { path: notebook.executed, always: true } }),
      ...Object.fromEntries(
        (options.keep ?? []).map((text) => {
          const [name, path] = text.includes('=') ? cut(text, '=', '--keep', 'NAME=PATH') : [nameOf(text), text];
          return [name, { path }];
        }),
      ),
      ...Object.fromEntries(
        (options.dataOut ?? []).map((text) => {
          const [dataset, path] = cut(text, '=', '--data-out', 'DATASET=PATH');
          return [dataset, { path, dataset }];
        }),
      ),
    },
    ...(isolation !== undefined && { isolation }),
    ...(experiment !== undefined && { tracking: { experiment } }),
    ...(timeout !== undefined && { timeoutSeconds: Math.max(1, Math.round(timeout / 1000)) }),
    ...(retries !== undefined && { retry: { count: retries } }),
    ...((python !== undefined || requirements !== undefined || notebook !== undefined) && {
      environment: {
        type: 'python' as const,
        ...(python !== undefined && { version: python }),
        requirements: [
          ...(requirements === undefined ? [] : readLines(await readFile(resolve(folder, requirements), 'utf8'))),
          ...(notebook?.requirements ?? []),
        ],
      },
    }),
  };
}

function wrong(option: string, text: string, expected: string): DaisError {
  return new DaisError('invalid_request', `Invalid value "${text}" for ${option}: expected ${expected}.`);
}

function cut(text: string, mark: string, option: string, expected: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 1) throw wrong(option, text, expected);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Named like the dataset, unless an explicit name is given. */
function dataInputs(data: readonly string[], format: StepOptions['dataFormat']): NonNullable<Step['inputs']> {
  const expected = 'DATASET@VERSION or NAME=DATASET@VERSION';
  const inputs: NonNullable<Step['inputs']> = {};
  for (const text of data) {
    const [name, dataset] = text.includes('=') ? cut(text, '=', '--data', expected) : [text.split('@')[0] ?? '', text];
    if (parseDatasetReference(dataset) === undefined) throw wrong('--data', text, expected);
    if (inputs[name] !== undefined) throw wrong('--data', text, `another name, OTHER=${dataset}: ${name} is taken`);
    inputs[name] = { dataset, ...(format !== undefined && { format }) };
  }
  return inputs;
}

function readSecret(text: string): [string, { secret: string; key: string }] {
  const expected = 'VARIABLE=SECRET/KEY';
  const [variable, of] = cut(text, '=', '--secret', expected);
  const [secret, key] = cut(of, '/', '--secret', expected);
  return [variable, { secret, key }];
}

/** `out/model.bin` is stored as `model.bin`. */
function nameOf(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? path;
}

function readCpu(text: string): number {
  const cores = /^\d+m$/.test(text) ? Number(text.slice(0, -1)) / 1000 : Number(text);
  if (!(cores > 0)) throw wrong('--cpu', text, 'cores: 2, 0.5 or 500m');
  return cores;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

function readBytes(option: string, text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?B?$/.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * (UNITS[unit] ?? 0));
  if (!(bytes > 0)) throw wrong(option, text, 'an amount: 512Mi, 4Gi or 4G');
  return bytes;
}

function readLines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
}

/** `KEY=VALUE` in each line, as `docker run --env-file` reads it. */
export function readEnvFile(text: string): Record<string, string> {
  return Object.fromEntries(readLines(text).map((line) => cut(line, '=', '--env-file', 'lines of KEY=VALUE')));
}
