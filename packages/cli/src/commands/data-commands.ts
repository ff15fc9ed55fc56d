import type { CommandDefinition } from '#commands/definition.ts';
import { qualityCommands } from '#commands/quality-commands.ts';

const REFERENCE = 'dataset or dataset version: flights, flights@3, flights@2026-11-01, flights@TAG';

/** Datasets and their versions. */
export const dataCommands: readonly CommandDefinition[] = [
  {
    name: 'data push',
    group: 'Data',
    summary: 'Create a dataset version from files',
    details:
      'Accepts CSV, JSON, NDJSON, Parquet and Arrow, also .gz and .zst, and folders recursively. Known files are not sent again. To resume an interrupted push, run the same command again.',
    arguments: [
      { syntax: '<dataset>', description: 'dataset name; created if missing' },
      { syntax: '<files...>', description: 'files or folders' },
    ],
    options: [
      { flags: '-m, --message <text>', description: 'description of the change' },
      { flags: '--tag <tag>', description: 'tag of the version', repeatable: true },
      {
        flags: '--keep-rejects',
        description: 'reject unreadable rows and keep them for `dais data rejects`',
      },
      { flags: '--no-create', description: 'fail if the dataset does not exist' },
      { flags: '--no-wait', description: 'do not wait for the version' },
    ],
    examples: [
      { command: 'data push flights flights.csv', does: 'one file' },
      { command: 'data push flights raw/ -m "November"', does: 'all files of a folder' },
    ],
    load: async () => ({ run: (await import('#data/push.ts')).push }),
  },
  {
    name: 'data refresh',
    group: 'Data',
    summary: 'Ingest from the source of a dataset',
    arguments: [{ syntax: '<dataset>', description: 'dataset name' }],
    options: [
      { flags: '-m, --message <text>', description: 'why' },
      { flags: '--no-wait', description: 'do not wait for the version' },
    ],
    examples: [{ command: 'data refresh flights', does: 'creates a version if the source has new data' }],
    load: async () => ({ run: (await import('#data/push.ts')).refresh }),
  },
  {
    name: 'data pull',
    group: 'Data',
    summary: 'Download the Parquet files of a version',
    details: 'Existing files are kept. If columns are masked for you, the result is one masked file.',
    arguments: [
      { syntax: '<version>', description: REFERENCE },
      { syntax: '[folder]', description: 'target folder; default: the name of the dataset' },
    ],
    options: [
      { flags: '--format <format>', description: 'write one file in this format', choices: ['parquet', 'csv'] },
      { flags: '--force', description: 'remove Parquet files of earlier pulls from the folder' },
    ],
    examples: [
      { command: 'data pull flights@3', does: 'into ./flights' },
      { command: 'data pull flights --format csv', does: 'as flights/flights.csv' },
    ],
    load: async () => ({ run: (await import('#data/pull.ts')).pull }),
  },
  {
    name: 'data versions',
    group: 'Data',
    summary: 'List the versions of a dataset, newest first',
    arguments: [{ syntax: '<dataset>', description: 'dataset name' }],
    options: [
      {
        flags: '--state <state>',
        description: 'only in this state',
        choices: ['building', 'ready', 'quarantined', 'broken', 'deleted'],
      },
      { flags: '--limit <n>', description: 'maximum number of entries', type: 'integer', default: 50 },
    ],
    examples: [{ command: 'data versions flights', does: 'with rows, bytes and tags' }],
    load: async () => ({ run: (await import('#data/versions.ts')).listVersions }),
  },
  {
    name: 'data head',
    group: 'Data',
    summary: 'Show the first rows of a version',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    options: [{ flags: '-n, --rows <n>', description: 'number of rows', type: 'integer', default: 10 }],
    examples: [{ command: 'data head flights@latest', does: 'ten rows' }],
    load: async () => ({ run: (await import('#data/rows.ts')).head }),
  },
  {
    name: 'data sql',
    group: 'Data',
    summary: 'Query datasets with SQL',
    details: 'Runs one SELECT. A table is a dataset or a version: flights, "flights@3". Masked columns stay masked.',
    arguments: [{ syntax: '<sql>', description: 'DuckDB SQL; `-` reads from standard input' }],
    options: [{ flags: '--limit <n>', description: 'maximum number of rows', type: 'integer', default: 100 }],
    examples: [{ command: 'data sql - < delays.sql', does: 'query from a file' }],
    load: async () => ({ run: (await import('#data/rows.ts')).sql }),
  },
  {
    name: 'data diff',
    group: 'Data',
    summary: 'Compare two versions',
    details: 'With one version: the changes from the ready version before it.',
    arguments: [
      { syntax: '<version>', description: REFERENCE },
      { syntax: '[to]', description: 'a later version of the same dataset: 5, a tag, or flights@5' },
    ],
    options: [{ flags: '-n, --samples <n>', description: 'sample rows per change type', type: 'integer', default: 5 }],
    examples: [
      { command: 'data diff flights', does: 'the latest version and the previous one' },
      { command: 'data diff flights@3 flights@5', does: 'the changes from version 3 to version 5' },
    ],
    load: async () => ({ run: (await import('#data/diff.ts')).diff }),
  },
  {
    name: 'data tag',
    group: 'Data',
    summary: 'Set or remove a tag of a version',
    arguments: [
      { syntax: '<version>', description: 'flights@3; with --remove: the dataset' },
      { syntax: '<tag>', description: 'letters, digits and `._-`' },
    ],
    options: [{ flags: '--remove', description: 'remove the tag' }],
    examples: [
      { command: 'data tag flights@3 gold', does: 'then flights@gold is version 3' },
      { command: 'data tag flights gold --remove', does: 'the tag is removed' },
    ],
    load: async () => ({ run: (await import('#data/versions.ts')).tag }),
  },
  {
    name: 'data restore',
    group: 'Data',
    summary: 'Restore an older version as a new version',
    arguments: [{ syntax: '<version>', description: 'flights@3' }],
    options: [{ flags: '-m, --message <text>', description: 'why' }],
    examples: [{ command: 'data restore flights@3', does: 'copies no data' }],
    load: async () => ({ run: (await import('#data/versions.ts')).restore }),
  },
  {
    name: 'data delete',
    group: 'Data',
    summary: 'Delete the files of a version',
    arguments: [{ syntax: '<version>', description: 'flights@3' }],
    options: [{ flags: '--reason <text>', description: 'reason, kept with the record of the version' }],
    examples: [{ command: 'data delete flights@3', does: 'lineage and runs keep the reference' }],
    load: async () => ({ run: (await import('#data/versions.ts')).remove }),
  },
  {
    name: 'data rejects',
    group: 'Data',
    summary: 'Show the rejected rows of a push',
    arguments: [
      { syntax: '<dataset>', description: 'dataset name' },
      { syntax: '[push]', description: 'push ID; default: the latest' },
    ],
    examples: [{ command: 'data rejects flights > rejects.ndjson', does: 'one JSON object per line' }],
    load: async () => ({ run: (await import('#data/push.ts')).rejects }),
  },
  ...qualityCommands,
];
