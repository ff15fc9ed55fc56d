import type { CommandDefinition } from '#commands/definition.ts';

const ENDPOINT = { syntax: '<endpoint>', description: 'its name' } as const;
const SINCE = { flags: '--since <age>', description: 'only those of the last 30m, 12h, 7d', type: 'duration' } as const;
const REASON = { flags: '--reason <text>', description: 'why' } as const;

/** What endpoints answered, and what is in the files of models. */
export const predictionCommands: readonly CommandDefinition[] = [
  {
    name: 'predictions query',
    group: 'Data',
    summary: 'Run SQL over what an endpoint answered',
    details:
      'Tables: `predictions`, a row for each row of a request; `labels`, what was true; `labelled`, both side by side. Inputs are columns `in_NAME`, outputs `out_NAME`.',
    arguments: [ENDPOINT],
    options: [
      { flags: '--sql <text>', description: 'one SELECT; `-` for standard input', required: true },
      SINCE,
      { flags: '--limit <n>', description: 'at most so many rows', type: 'integer', default: 1000 },
    ],
    examples: [{ command: 'predictions query flights --since 24h --sql -', does: 'the query comes on standard input' }],
    load: async () => ({ run: (await import('#predictions/read.ts')).query }),
  },
  {
    name: 'predictions tail',
    group: 'Data',
    summary: 'Show the newest predictions of an endpoint',
    arguments: [ENDPOINT],
    options: [
      { flags: '-f, --follow', description: 'go on as they come' },
      { flags: '-n, --rows <n>', description: 'at most so many at first', type: 'integer', default: 20 },
    ],
    examples: [{ command: 'predictions tail flights -f', does: 'as they come' }],
    load: async () => ({ run: (await import('#predictions/read.ts')).tail }),
  },
  {
    name: 'predictions get',
    group: 'Data',
    summary: 'Show one prediction with what was true and where it comes from',
    arguments: [ENDPOINT, { syntax: '<id>', description: 'as the answer told it' }],
    examples: [
      { command: 'predictions get flights 0199c1b2-8f00-7001-9c6e-5a3f40000001', does: 'the data of its model too' },
    ],
    load: async () => ({ run: (await import('#predictions/read.ts')).get }),
  },
  {
    name: 'predictions explain',
    group: 'Data',
    summary: 'Show which inputs moved a prediction, and by how much',
    details: 'The version that answered is asked: by the gateway where it is loaded there, else it is loaded for this.',
    arguments: [ENDPOINT, { syntax: '<id>', description: 'as the answer told it' }],
    options: [
      { flags: '--number <n>', description: 'which number of the answer; default the greatest', type: 'integer' },
      { flags: '--top <n>', description: 'at most so many inputs of each row', type: 'integer', default: 10 },
    ],
    examples: [
      {
        command: 'predictions explain flights 0199c1b2-8f00-7001-9c6e-5a3f40000001',
        does: 'the ten that moved it most',
      },
    ],
    load: async () => ({ run: (await import('#predictions/explain.ts')).explain }),
  },
  {
    name: 'predictions export',
    group: 'Data',
    summary: 'Write predictions as CloudEvents, as a logger of KServe sends them',
    arguments: [ENDPOINT, { syntax: '[file]', description: 'JSON, one event a line; default: standard output' }],
    options: [SINCE],
    examples: [
      { command: 'predictions export flights events.ndjson --since 7d', does: 'a request and a response each' },
    ],
    load: async () => ({ run: (await import('#predictions/transfer.ts')).exportEvents }),
  },
  {
    name: 'predictions label',
    group: 'Data',
    summary: 'Tell what was true, from a CSV file',
    details:
      'Columns: `prediction_id`, `row` (default 0) and `label`; with --key instead a column of that name and `label`. The same row again is a correction.',
    arguments: [ENDPOINT, { syntax: '<file>', description: 'CSV; `-` for standard input' }],
    options: [
      { flags: '--key <column>', description: 'join by this column of `predictions`: in_order' },
      { flags: '--source <text>', description: 'where they come from, in words' },
    ],
    examples: [{ command: 'predictions label flights arrived.csv --key in_flight', does: 'by a key of your own' }],
    load: async () => ({ run: (await import('#predictions/transfer.ts')).label }),
  },
  {
    name: 'predictions erase',
    group: 'Data',
    summary: 'Erase the values of somebody’s predictions; that there were some stays',
    arguments: [ENDPOINT],
    options: [
      { flags: '--key <column=value>', description: 'whose: in_customer=4711', required: true },
      REASON,
      { flags: '--no-wait', description: 'do not wait until it is done' },
    ],
    examples: [{ command: 'predictions erase flights --key in_customer=4711 --reason GDPR-17', does: 'in every file' }],
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
