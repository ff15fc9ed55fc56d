/**
 * The plan of a run, independent of the submitted format: a graph of tasks whose bodies are steps or nested graphs. It is
 * stored with the run and never changes. Manifests and pipelines of other systems are compiled to it.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Output files of a step, stored in the content of a run below `prefix`. */
export interface Artifact {
  /** Id of the run that owns the content. */
  readonly run: string;
  /** The name of a single file; for a folder, the prefix of its file names, before a `/`. */
  readonly prefix: string;
  readonly folder: boolean;
  readonly files: number;
  readonly bytes: number;
  /** Lower-case hex SHA-256 of names, modes and contents. */
  readonly digest: string;
  /** Its executable files, relative to `prefix`; '' for a single file. */
  readonly executable?: readonly string[];
  /** Name and type in the system that submitted the pipeline. */
  readonly label?: string;
  readonly type?: string;
  /** Metadata from its step. */
  readonly metadata?: { readonly [key: string]: Json };
  /** URL of external files. Then it has no stored files, and each step fetches them if the scheme is supported. */
  readonly uri?: string;
  /** The dataset version whose rows it represents. They are materialized when a step starts. */
  readonly dataset?: DatasetInput;
}

/** A dataset version as the input of a run, with the columns that may be read unmasked. */
export interface DatasetInput {
  readonly name: string;
  readonly number: number;
  readonly id: string;
  readonly versionDigest: string;
  readonly format: 'parquet' | 'csv';
  /** Columns that are masked for other readers, but not for the starter of the run. */
  readonly unmasked: readonly string[];
}

/** A value that is passed between tasks. */
export type Value =
  | { readonly parameter: Json }
  | { readonly artifact: Artifact }
  | { readonly artifacts: readonly Artifact[] };

export type Values = Readonly<Record<string, Value>>;

/** The source of an input. */
export type Binding =
  | { readonly value: Json }
  /** Known when the run starts. */
  | { readonly artifact: Artifact }
  | ({ readonly input: string } & BindingOptions)
  | ({ readonly task: string; readonly output: string } & BindingOptions)
  /** Composed of other inputs of the same task. */
  | { readonly compose: Composed }
  /** The final status of another task: `{task, state, error}`. */
  | { readonly statusOf: string };

export interface BindingOptions {
  /** Selects a member of a parameter. */
  readonly path?: readonly string[];
  /** The input is absent if its source has no value. */
  readonly optional?: boolean;
  /** Default if the source has no value, or null. */
  readonly otherwise?: Json;
  /** Required type. Values are converted to text; every other mismatch is an error. */
  readonly as?: ParameterType;
}

export type ParameterType = 'text' | 'number' | 'boolean' | 'list' | 'object';

/** `input`: a parameter, inserted as text or as compact JSON. */
export type Composed =
  | { readonly value: Json }
  | { readonly text: readonly (string | { readonly input: string })[] }
  | { readonly list: readonly Composed[] }
  | { readonly members: Readonly<Record<string, Composed>> };

/** A condition over the inputs of its task. A missing value is an error, never false. */
export type Expression =
  | { readonly value: Json }
  /** `artifact`: the properties of the n-th artifact: `{name, uri, metadata}`. */
  | { readonly input: string; readonly artifact?: number; readonly path?: readonly string[] }
  | {
      readonly compare: '==' | '!=' | '<' | '<=' | '>' | '>=';
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly all: readonly Expression[] }
  | { readonly any: readonly Expression[] }
  | { readonly not: Expression }
  /** Text converted to a number; `whole`: truncated to an integer. */
  | { readonly number: Expression; readonly whole?: true }
  /** Converted to text. */
  | { readonly text: Expression };

export interface Retry {
  /** Retries after the first attempt. Lost attempts are counted separately. */
  readonly count: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
}

/** Text that is complete only when the step is about to start. */
export type LateText =
  | string
  | readonly (
      | string
      /** A parameter: text unchanged, other values as compact JSON. */
      | { readonly parameter: string }
      /** Path of an input or an output, relative to the working folder. */
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
      /** The files are stored also when the step fails. */
      readonly always?: true;
      /** Creates a version of this dataset from the files. */
      readonly dataset?: string;
    };

export interface Step {
  readonly command: readonly LateText[];
  readonly variables: Readonly<Record<string, LateText>>;
  /** Variables whose values are in Secret resources of the project. */
  readonly secrets: Readonly<Record<string, StepSecret>>;
  readonly environment: StepEnvironment;
  readonly resources: Readonly<Record<string, number>>;
  /** Name of the target. Absent after the start of the run: the machines of the server. */
  readonly target?: string;
  /** Pool of nodes of the target. */
  readonly pool?: string;
  readonly timeoutMs?: number;
  /** `preferred`: isolated if the machine supports it. */
  readonly isolation: 'required' | 'preferred' | 'none';
  readonly network: boolean;
  /** On a cache hit the step succeeds without running. The cache belongs to the project. */
  readonly cache: boolean;
  /** Paths of input artifacts in the working folder. Default: `inputs/NAME`. */
  readonly places: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, StepOutput>>;
  /** The experiment, by name or by id, of the tracked run that is started and ended for the step. */
  readonly tracking?: ({ readonly name: string } | { readonly id: string }) & { readonly run?: string };
  /** The step in the format of another system, which is converted to a command when the step starts; see `StepDialect`. */
  readonly dialect?: { readonly name: string; readonly data: Json };
}

export interface StepSecret {
  readonly secret: string;
  readonly key: string;
  /** The step runs without the variable if the secret value does not exist. */
  readonly optional?: true;
}

export type StepEnvironment =
  | { readonly type: 'system' }
  /** The file system of a container image instead of the machine's. */
  | { readonly type: 'image'; readonly image: string }
  | {
      readonly type: 'python';
      readonly version?: string;
      readonly requirements: readonly string[];
      /** Packages that are installed without their dependencies. */
      readonly bare?: readonly string[];
      /** Package indexes that are queried before those of the server. */
      readonly indexes?: readonly string[];
    };

export type Body = { readonly step: Step } | { readonly graph: Graph };

export interface Task {
  /** Dependencies in addition to the tasks that its inputs reference. */
  readonly needs: readonly string[];
  /** `succeeded`: runs only if all dependencies succeeded. `completed`: runs after they have ended in any state. */
  readonly after: 'succeeded' | 'completed';
  readonly when?: Expression;
  readonly inputs: Readonly<Record<string, Binding>>;
  /** Runs once for each item of the input `items`, as the input `as`. `parallel` 0: no limit of parallel iterations. */
  readonly each?: { readonly items: string; readonly as: string; readonly parallel: number };
  readonly retry?: Retry;
  readonly body: Body;
}

/** The first source that succeeded and has the output; for a loop, the list over all iterations. */
export type GraphOutput = readonly { readonly task: string; readonly output: string }[];

export interface Graph {
  readonly tasks: Readonly<Record<string, Task>>;
  readonly outputs: Readonly<Record<string, GraphOutput>>;
}

/** Returns the graph at a path of task names from the root, such as `train/fit`. The root is ''. */
export function graphAt(plan: Graph, path: string): Graph {
  let graph = plan;
  for (const name of path === '' ? [] : path.split('/')) {
    const body = graph.tasks[name]?.body;
    if (body === undefined || !('graph' in body)) throw new Error(`no graph at ${path}`);
    graph = body.graph;
  }
  return graph;
}

export function taskAt(plan: Graph, path: string): Task {
  const cut = path.lastIndexOf('/');
  const task = graphAt(plan, cut === -1 ? '' : path.slice(0, cut)).tasks[path.slice(cut + 1)];
  if (task === undefined) throw new Error(`no task at ${path}`);
  return task;
}

/** Returns the dependencies of a task: those that it names, and those that its inputs reference. */
export function needsOf(task: Task): readonly string[] {
  return [...new Set([...task.needs, ...sourcesOf(task)])];
}

/** Returns the tasks that its inputs reference. */
export function sourcesOf(task: Task): readonly string[] {
  return Object.values(task.inputs).flatMap((binding) =>
    'task' in binding ? [binding.task] : 'statusOf' in binding ? [binding.statusOf] : [],
  );
}
