/** Tracked runs of steps: started with the first attempt, with the source of the step, and ended with the step. */
import { DaisError } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import type { DatasetInput, Step, Values } from '../machine/plan.ts';
import { ValueError, textOf } from '../machine/values.ts';

/** Final state of a step that ran. */
type StepState = 'succeeded' | 'failed' | 'canceled';

export interface TrackedRun {
  readonly run: string;
  readonly experiment: string;
}

/** A version of a dataset that a step reads. */
export type TrackedData = Pick<DatasetInput, 'name' | 'number' | 'versionDigest'>;

export interface NewTrackedRun {
  readonly experiment: NonNullable<Step['tracking']>;
  readonly name: string;
  /** The starter of the step. */
  readonly user: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly source: TrackedSource;
  /** Dataset versions that it reads. */
  readonly data: readonly TrackedData[];
}

/** Source of the logged metrics. */
export interface TrackedSource {
  /** Id of the job or pipeline run, and path of the step. */
  readonly execution: string;
  readonly step: string;
  /** The script that runs, or the program. */
  readonly program: string;
  readonly commit?: string | undefined;
  readonly repository?: string | undefined;
  readonly dirty?: boolean | undefined;
}

/** Interface: the tracking ledger. */
export interface TrackedRuns {
  /** Starts a tracked run. Creates the experiment if none has that name. @throws DaisError for invalid input. */
  begin(tx: Transaction, run: NewTrackedRun): Promise<TrackedRun>;
  /** Resumes the run for another attempt. */
  resume(tx: Transaction, run: string): Promise<void>;
  /** Ends the run. A deleted run is ignored. */
  end(tx: Transaction, run: string, state: StepState): Promise<void>;
}

interface Row {
  readonly tracking_run: string;
  readonly experiment: string;
}

/** Returns the tracked run of an attempt, started or resumed. @throws ValueError when it cannot be started. */
export async function trackStep(
  tx: Transaction,
  runs: TrackedRuns,
  of: { readonly node: string; readonly run: string },
  createInput: () => NewTrackedRun,
): Promise<TrackedRun> {
  const [there] = await tx.sql.query<Row>(
    'select tracking_run, experiment from executions.tracked where node = $1',
    [of.node],
    'execution_tracked',
  );
  try {
    if (there !== undefined) {
      await runs.resume(tx, there.tracking_run);
      return { run: there.tracking_run, experiment: there.experiment };
    }
    const made = await runs.begin(tx, createInput());
    await tx.sql.query(
      `insert into executions.tracked (node, run, project_id, tracking_run, experiment) values ($1, $2, $3, $4, $5)`,
      [of.node, of.run, tx.projectId, made.run, made.experiment],
      'execution_track',
    );
    return made;
  } catch (error) {
    if (error instanceof DaisError && !error.retryable) throw new ValueError(error.message);
    throw error;
  }
}

/** Ends the tracked run of a step that has ended. */
export async function endTrackedStep(tx: Transaction, runs: TrackedRuns, node: string): Promise<void> {
  await end(tx, runs, 't.node = $1', node, 'execution_untrack');
}

/** Ends the tracked runs of steps that ended without a further attempt. */
export async function endTrackedRuns(tx: Transaction, runs: TrackedRuns, run: string): Promise<void> {
  await end(tx, runs, 't.run = $1', run, 'execution_untrack_all');
}

async function end(tx: Transaction, runs: TrackedRuns, which: string, id: string, name: string): Promise<void> {
  const ended = await tx.sql.query<{ tracking_run: string; state: StepState }>(
    `update executions.tracked t set ended = true from executions.node n
     where ${which} and not t.ended and n.id = t.node and n.state in ('succeeded', 'failed', 'canceled')
     returning t.tracking_run, n.state`,
    [id],
    name,
  );
  for (const { tracking_run: run, state } of ended) await runs.end(tx, run, state);
}

const INTERPRETERS = /^(python[\d.]*|Rscript|node|bash|sh|julia|perl|ruby)$/;
/** Options that are followed by the source text of a program. */
const INLINE: ReadonlySet<string> = new Set(['-c', '-e', '-p', '--eval', '--print']);
/** Options that are followed by a value. */
const WITH_VALUE: ReadonlySet<string> = new Set(['-W', '-X', '-r', '--require', '--import']);

/** Returns the script that a command runs, or else its program. */
export function programOf([program, ...rest]: readonly [string, ...string[]]): string {
  const name = program.split('/').at(-1) ?? program;
  if (!INTERPRETERS.test(name)) return program;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    if (word === '-m') return rest[at + 1] ?? program;
    if (INLINE.has(word)) return program;
    if (WITH_VALUE.has(word)) at += 1;
    else if (!word.startsWith('-')) return word;
  }
  return program;
}

/** Returns the dataset versions among the inputs. */
export function dataOf(inputs: Values): readonly DatasetInput[] {
  return Object.values(inputs).flatMap((value) => ('artifact' in value ? (value.artifact.dataset ?? []) : []));
}

/** Returns the parameters among the inputs, as text. */
export function parametersOf(inputs: Values): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) => ('parameter' in value ? [[name, textOf(value.parameter)]] : [])),
  );
}
