/**
 * What a run is to do, in no front end's words: a graph of tasks whose bodies are steps or graphs again. It is stored with
 * the run and never changes; whatever a manifest or a foreign pipeline can say is compiled to it.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Files that a step left: they lie in the content of a run, below `prefix`. */
export interface Artifact {
  /** Id of the run whose content it is. */
  readonly run: string;
  /** One file has this name; of a folder, every file's name begins with it and a `/`. */
  readonly prefix: string;
  readonly folder: boolean;
  readonly files: number;
  readonly bytes: number;
  /** Lower-case hex SHA-256 of names, modes and contents: equal for equal files. */
  readonly digest: string;
  /** Those of its files that may be executed, relative to `prefix`; '' of one that is a file itself. */
  readonly executable?: readonly string[];
  /** What a front end calls it, and which of its types it has. */
  readonly label?: string;
  readonly type?: string;
  /** What its step says about it. */
  readonly metadata?: { readonly [key: string]: Json };
  /** Where it lies when that is not here: then there are no files, and what can be fetched is, for each step. */
  readonly uri?: string;
  /** It is the rows of a version of a dataset: they lie there, and are brought when a step starts. */
  readonly dataset?: DatasetInput;
}

/** A version of a dataset as a run was given it: which one, and what of it may be seen as it is. */
export interface DatasetInput {
  readonly name: string;
  readonly number: number;
  readonly id: string;
  readonly versionDigest: string;
  readonly format: 'parquet' | 'csv';
  /** Columns that are masked for others, and were not for whoever had the run begin. */
  readonly unmasked: readonly string[];
}

/** What goes from task to task. */
export type Value =
  | { readonly parameter: Json }
  | { readonly artifact: Artifact }
  | { readonly artifacts: readonly Artifact[] };

export type Values = Readonly<Record<string, Value>>;

/** Where an input comes from. */
export type Binding =
  | { readonly value: Json }
  /** Known when the run begins. */
  | { readonly artifact: Artifact }
  | ({ readonly input: string } & Taking)
  | ({ readonly task: string; readonly output: string } & Taking)
  /** Made of other inputs of the same task. */
  | { readonly compose: Composed }
  /** How another task ended: `{task, state, error}`. */
  | { readonly statusOf: string };

export interface Taking {
  /** Selects a member of a parameter. */
  readonly path?: readonly string[];
  /** Absent when its source has none. */
  readonly optional?: boolean;
  /** What it is when its source has none, or null. */
  readonly otherwise?: Json;
  /** What it has to be. Whatever is to be text is made text; of the others, what is something else is a fault. */
  readonly as?: ParameterType;
}

export type ParameterType = 'text' | 'number' | 'boolean' | 'list' | 'object';

/** `input`: a parameter in text, as it is or as compact JSON. */
export type Composed =
  | { readonly value: Json }
  | { readonly text: readonly (string | { readonly input: string })[] }
  | { readonly list: readonly Composed[] }
  | { readonly members: Readonly<Record<string, Composed>> };

/** A condition over the inputs of its own task. What is not there is a fault, never false. */
export type Expression =
  | { readonly value: Json }
  /** `artifact`: of files, what is known of the n-th: `{name, uri, metadata}`. */
  | { readonly input: string; readonly artifact?: number; readonly path?: readonly string[] }
  | {
      readonly compare: '==' | '!=' | '<' | '<=' | '>' | '>=';
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly all: readonly Expression[] }
  | { readonly any: readonly Expression[] }
  | { readonly not: Expression }
  /** Text as a number; `whole`: what comes after the point is dropped. */
  | { readonly number: Expression; readonly whole?: true }
  /** As it stands in text. */
  | { readonly text: Expression };

export interface Retry {
  /** After the first attempt. Attempts that the platform lost are counted apart. */
  readonly count: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
}

/** Text that is known only when the step is about to start. */
export type LateText =
  | string
  | readonly (
      | string
      /** A parameter: text as it is, all else as compact JSON. */
      | { readonly parameter: string }
      /** Where an input or an output lies, relative to the working folder. */
      | { readonly pathOfInput: string }
      | { readonly pathOfOutput: string }
    )[];

export type StepOutput =
  /** Read from a file as text, or as JSON. */
  | { readonly parameter: 'text' | 'json'; readonly path: string; readonly optional?: boolean }
  | {
      readonly artifact: true;
      readonly path: string;
      readonly optional?: boolean;
      /** They are kept also when the step fails. */
      readonly always?: true;
      /** The files become a version of this dataset. */
      readonly dataset?: string;
    };

export interface Step {
  readonly command: readonly LateText[];
  readonly variables: Readonly<Record<string, LateText>>;
  /** Variables from Secret resources of the project. */
  readonly secrets: Readonly<Record<string, StepSecret>>;
  readonly environment: StepEnvironment;
  readonly resources: Readonly<Record<string, number>>;
  readonly timeoutMs?: number;
  /** `preferred`: isolated where the machine can. */
  readonly isolation: 'required' | 'preferred' | 'none';
  readonly network: boolean;
  /** Succeeds without running when the same was done before in this project. */
  readonly cache: boolean;
  /** Artifacts among the inputs, and where they are put. Without a path of their own they lie in `inputs/NAME`. */
  readonly places: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, StepOutput>>;
  /** It logs into a run of the tracking ledger, which is begun and ended for it: in an experiment by name or by number. */
  readonly tracking?: ({ readonly name: string } | { readonly id: string }) & { readonly run?: string };
  /** The words of a front end about this step, which it makes a command of when the step starts; see `StepDialect`. */
  readonly dialect?: { readonly name: string; readonly data: Json };
}

export interface StepSecret {
  readonly secret: string;
  readonly key: string;
  /** The step runs without the variable when there is no such value. */
  readonly optional?: true;
}

export type StepEnvironment =
  | { readonly type: 'system' }
  /** The files of a container image in the place of the machine's. */
  | { readonly type: 'image'; readonly image: string }
  | {
      readonly type: 'python';
      readonly version?: string;
      readonly requirements: readonly string[];
      /** Packages that come without what they say they need. */
      readonly bare?: readonly string[];
      /** Asked before the server's own. */
      readonly indexes?: readonly string[];
    };

export type Body = { readonly step: Step } | { readonly graph: Graph };

export interface Task {
  /** Beside the tasks that its inputs name. */
  readonly needs: readonly string[];
  /** `succeeded`: a need that failed or was skipped keeps it from running. `completed`: it runs however they ended. */
  readonly after: 'succeeded' | 'completed';
  readonly when?: Expression;
  readonly inputs: Readonly<Record<string, Binding>>;
  /** Once for each item of the input `items`, which each iteration gets as `as`; 0: no limit of how many at once. */
  readonly each?: { readonly items: string; readonly as: string; readonly parallel: number };
  readonly retry?: Retry;
  readonly body: Body;
}

/** The first source that succeeded and has it; of a loop, the list over all iterations. */
export type GraphOutput = readonly { readonly task: string; readonly output: string }[];

export interface Graph {
  readonly tasks: Readonly<Record<string, Task>>;
  readonly outputs: Readonly<Record<string, GraphOutput>>;
}

/** Names of tasks from the root down: `train/fit`. The root is ''. */
export function graphAt(plan: Graph, place: string): Graph {
  let graph = plan;
  for (const name of place === '' ? [] : place.split('/')) {
    const body = graph.tasks[name]?.body;
    if (body === undefined || !('graph' in body)) throw new Error(`there is no graph at ${place}`);
    graph = body.graph;
  }
  return graph;
}

export function taskAt(plan: Graph, place: string): Task {
  const cut = place.lastIndexOf('/');
  const task = graphAt(plan, cut === -1 ? '' : place.slice(0, cut)).tasks[place.slice(cut + 1)];
  if (task === undefined) throw new Error(`there is no task at ${place}`);
  return task;
}

/** Whom a task waits for: those that it names, and those that its inputs come from. */
export function needsOf(task: Task): readonly string[] {
  return [...new Set([...task.needs, ...sourcesOf(task)])];
}

/** The tasks that its inputs tell of. */
export function sourcesOf(task: Task): readonly string[] {
  return Object.values(task.inputs).flatMap((binding) =>
    'task' in binding ? [binding.task] : 'statusOf' in binding ? [binding.statusOf] : [],
  );
}
