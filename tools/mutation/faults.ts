/**
 * The faults that the mutation check injects: realistic edits of one line, at least one per module. A fault is located by
 * its text, so a moved file needs no change here; a changed text does. Match only what the fault needs.
 */
export interface Fault {
  /** What the faulty code does. */
  readonly name: string;
  readonly module: string;
  /** Glob of the files that may contain the text, in the syntax of tools/long-tests.json. */
  readonly in: string;
  /** Matches exactly one place in these files. */
  readonly find: RegExp;
  /** As in `String.replace`. */
  readonly replace: string;
}

const server = 'packages/server/src';

export const faults: readonly Fault[] = [
  {
    name: 'the fencing token accepts an earlier epoch of the lease',
    module: 'kernel',
    in: `${server}/kernel/**`,
    find: /(from kernel\.lease where name = \$1 and \w+ = \$2 and epoch) = \$3/,
    replace: '$1 >= $$3',
  },
  {
    name: 'a full last page gets a cursor for a next page',
    module: 'kernel',
    in: `${server}/kernel/**`,
    find: /found\.length > limit/,
    replace: 'found.length >= limit',
  },
  {
    name: 'a forbid policy does not override a permit',
    module: 'policy',
    in: `${server}/policy/**`,
    find: /forbids\.length === 0 && permits\.length > 0/,
    replace: 'permits.length > 0',
  },
  {
    name: 'a failed step gets one attempt more than its retries',
    module: 'executions',
    in: `${server}/ledgers/executions/**`,
    find: /\.failures >= retry\.count/,
    replace: '.failures > retry.count',
  },
  {
    name: 'the cache key of a step omits its secrets',
    module: 'executions',
    in: `${server}/ledgers/executions/**`,
    find: /\n {4}secrets: step\.secrets,\n {4}environment: step\.environment,/,
    replace: '\n    environment: step.environment,',
  },
  {
    name: 'the end of a lost interval of a replica is the current time, not its last contact',
    module: 'usage',
    in: `${server}/ledgers/usage/**`,
    find: /done as \(select e\.\*, e\.contacted_at as ended_at from ended e\)/,
    replace: 'done as (select e.*, clock_timestamp() as ended_at from ended e)',
  },
  {
    name: 'the quota of a caller is compared with 0 instead of 1 remaining token',
    module: 'gateway',
    in: `${server}/gateway/**`,
    find: /own !== undefined && own\.(\w+) < 1\b/,
    replace: 'own !== undefined && own.$1 < 0',
  },
  {
    name: 'a captured prediction is acknowledged before it is written',
    module: 'predictions',
    in: `${server}/ledgers/predictions/**`,
    find: /const waits = policy === 'ack' \|\| policy === 'sync';/,
    replace: "const waits = policy === 'sync';",
  },
  {
    name: 'the population stability index fills empty bins with 0.001',
    module: 'monitoring',
    in: `${server}/lib/statistics/**`,
    find: /const EMPTY = 0\.0001;/,
    replace: 'const EMPTY = 0.001;',
  },
  {
    name: 'a window with exactly the minimum number of samples is not evaluated',
    module: 'monitoring',
    in: `${server}/ledgers/monitoring/**`,
    find: /if \(rows < spec\.minSamples\) \{\n {4}return unknownOutcome/,
    replace: 'if (rows <= spec.minSamples) {\n    return unknownOutcome',
  },
  {
    name: 'the approval of the author of a version counts',
    module: 'registry',
    in: `${server}/ledgers/registry/**`,
    find: /ownApproval \|\| !(\w+)\.own\)/,
    replace: 'ownApproval || $1.own || !$1.own)',
  },
  {
    name: 'the retention of a dataset deletes one version too many',
    module: 'data',
    in: `${server}/ledgers/data/**`,
    find: /k\.place > \$2/,
    replace: 'k.place >= $$2',
  },
  {
    name: 'a text of exactly the maximum length is rejected',
    module: 'protocols/mlflow',
    in: `${server}/protocols/mlflow/**`,
    find: /value === undefined \|\| value\.length <= most \|\| Array\.from\(value\)\.length <= most/,
    replace: 'value === undefined || value.length < most || Array.from(value).length < most',
  },
  {
    name: 'a canceled run stays in the state CANCELING after its end',
    module: 'protocols/kfp',
    in: `${server}/protocols/kfp/**`,
    find: /= run\.(cancel\w+) && run\.endedAt === undefined \?/,
    replace: '= run.$1 ?',
  },
  {
    name: 'the audit entry omits the decision of the policies',
    module: 'audit',
    in: `${server}/ledgers/audit/**`,
    find: /\n +\.\.\.\(decision !== undefined && \{ decision \}\),/,
    replace: '',
  },
  {
    name: 'a secret in base64 is not masked in logs',
    module: 'lib',
    in: `${server}/lib/**`,
    find: /, \.\.\.base64Forms\(bytes\)\];/,
    replace: '];',
  },
  {
    name: 'a deleted resource stays in a live list',
    module: 'web',
    in: 'packages/web/src/**',
    find: /event\.type === 'deleted' \? undefined : event\.object/,
    replace: 'event.object',
  },
];
