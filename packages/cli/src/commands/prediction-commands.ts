import type { CommandDefinition } from '#commands/definition.ts';

const ENDPOINT = { syntax: '<endpoint>', description: 'endpoint name' } as const;
const SINCE = { flags: '--since <age>', description: 'only the last 30m, 12h, 7d', type: 'duration' } as const;
const REASON = { flags: '--reason <text>', description: 'why' } as const;

/** Predictions of endpoints, and the files of models. */
export const predictionCommands: readonly CommandDefinition[] = [
  {
    name: 'predictions query',
    group: 'Data',
    summary: 'Query predictions of an endpoint with SQL',
    details:
      'Tables: `predictions`, one row per row of a request; `labels`, the ground truth; `labeled`, both joined. Inputs are columns `in_NAME`, outputs `out_NAME`.',
    arguments: [ENDPOINT],
    options: [
      { flags: '--sql <text>', description: 'one SELECT; `-` for standard input', required: true },
      SINCE,
      { flags: '--limit <n>', description: 'maximum number of rows', type: 'integer', default: 1000 },
    ],
    examples: [{ command: 'predictions query flights --since 24h --sql -', does: 'query from standard input' }],
    load: async () => ({ run: (await import('#predictions/read.ts')).query }),
  },
  {
    name: 'predictions tail',
    group: 'Data',
    summary: 'Show the latest predictions of an endpoint',
    arguments: [ENDPOINT],
    options: [
      { flags: '-f, --follow', description: 'follow new predictions' },
      { flags: '-n, --rows <n>', description: 'number of initial rows', type: 'integer', default: 20 },
    ],
    examples: [{ command: 'predictions tail flights -f', does: 'follow new predictions' }],
    load: async () => ({ run: (await import('#predictions/read.ts')).tail }),
  },
  {
    name: 'predictions get',
    group: 'Data',
    summary: 'Show one prediction with ground truth and lineage',
    arguments: [ENDPOINT, { syntax: '<id>', description: 'prediction ID from the response' }],
    examples: [
      {
        command: 'predictions get flights 0199c1b2-8f00-7001-9c6e-5a3f40000001',
        does: 'with the training data of its model',
      },
    ],
    load: async () => ({ run: (await import('#predictions/read.ts')).get }),
  },
  {
    name: 'predictions explain',
    group: 'Data',
    summary: 'Show feature contributions of a prediction',
    details: 'Uses the model version that made the prediction. It is loaded if it is not served.',
    arguments: [ENDPOINT, { syntax: '<id>', description: 'prediction ID from the response' }],
    options: [
      { flags: '--number <n>', description: 'index of the output to explain; default: the largest', type: 'integer' },
      { flags: '--top <n>', description: 'maximum number of inputs per row', type: 'integer', default: 10 },
    ],
    examples: [
      {
        command: 'predictions explain flights 0199c1b2-8f00-7001-9c6e-5a3f40000001',
        does: 'the ten largest contributions',
      },
    ],
    load: async () => ({ run: (await import('#predictions/explain.ts')).explain }),
  },
  {
    name: 'predictions export',
    group: 'Data',
    summary: 'Export predictions as CloudEvents in the format of the KServe logger',
    arguments: [
      ENDPOINT,
      { syntax: '[file]', description: 'output file, one JSON event per line; default: standard output' },
    ],
    options: [SINCE],
    examples: [
      {
        command: 'predictions export flights events.ndjson --since 7d',
        does: 'one request and one response event each',
      },
    ],
    load: async () => ({ run: (await import('#predictions/transfer.ts')).exportEvents }),
  },
  {
    name: 'predictions label',
    group: 'Data',
    summary: 'Upload ground-truth labels from a CSV file',
    details:
      'Columns: `prediction_id`, `row` (default 0) and `label`; with --key, that column and `label`. A repeated row is a correction.',
    arguments: [ENDPOINT, { syntax: '<file>', description: 'CSV; `-` for standard input' }],
    options: [
      { flags: '--key <column>', description: 'join on this column of `predictions`: in_order' },
      { flags: '--source <text>', description: 'source of the labels' },
    ],
    examples: [{ command: 'predictions label flights arrived.csv --key in_flight', does: 'by your own key' }],
    load: async () => ({ run: (await import('#predictions/transfer.ts')).label }),
  },
  {
    name: 'predictions erase',
    group: 'Data',
    summary: 'Erase the stored values of a person’s predictions',
    arguments: [ENDPOINT],
    options: [
      { flags: '--key <column=value>', description: 'predictions to erase: in_customer=4711', required: true },
      REASON,
      { flags: '--no-wait', description: 'do not wait' },
    ],
    examples: [
      { command: 'predictions erase flights --key in_customer=4711 --reason GDPR-17', does: 'in all stored files' },
    ],
    load: async () => ({ run: (await import('#predictions/erase.ts')).erase }),
  },
  {
    name: 'model scan',
    group: 'Runs',
    summary: 'Show the scan findings of a model version',
    details:
      'Dais scans each new version. A version with open findings of severity `block` does not deploy until an approver waives them.',
    arguments: [{ syntax: '<version>', description: 'NAME/VERSION: flights/7' }],
    options: [
      { flags: '--again', description: 'scan the version again' },
      { flags: '--waive <id>', description: 'waive this finding; needs --reason', repeatable: true },
      { flags: '--reopen <id>', description: 'revoke the waiver of this finding', repeatable: true },
      REASON,
    ],
    examples: [
      { command: 'model scan flights/7', does: 'lists the findings' },
      {
        command: 'model scan flights/7 --waive 0199c1b2-8f00-7001-9c6e-5a3f40000001 --reason reviewed',
        does: 'waives a finding',
      },
    ],
    load: async () => ({ run: (await import('#safety/scan.ts')).scan }),
  },
];
