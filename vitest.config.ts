import { defineConfig } from 'vitest/config';
import { FileTimes } from './tools/file-times.ts';
import { LongestFirst } from './tools/longest-first.ts';

// Vitest hands these to Node, for CommonJS too: `import` among them would give `require` an ES module.
const conditions = ['dais-source', 'node'];

/** Where tools/vitest-run.mjs wants the counts. */
const REPORT = process.env['DAIS_TEST_REPORT'];

/** Long tests that the change does not affect: paths, separated by spaces (tools/long-tests.mjs). */
const LEFT_OUT = (process.env['DAIS_TESTS_LEFT_OUT'] ?? '').split(' ').filter((path) => path !== '');

/** The examples of every day are the same ones, so that a failure tells of the change; the long run draws new ones. */
const EVERYDAY_SEED = 20_261_126;

/**
 * unit: no I/O. int: embedded PostgreSQL, temp folders, real processes. conformance: peers' own clients. full: long runs.
 * e2e: a browser in front of a Dais. How many files run at once is said by tools/vitest-run.mjs: what is said here counts more than
 * the command line, for each project.
 */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    reporters: [
      'default',
      new FileTimes(),
      ...(REPORT === undefined ? [] : [['json', { outputFile: REPORT }] as const]),
    ],
    // Files of a worker share what they import: importing a module does nothing here, and loading all of it again for each
    // of 190 files was 40 % of the time.
    isolate: false,
    // As the programs of Dais are started (lib/process.ts): tests that measure memory then measure what is in use.
    execArgv: ['--max-semi-space-size=16'],
    sequence: { sequencer: LongestFirst },
    // A limit against hanging: conditions that tests wait for take long on a busy machine (the default is 1 s).
    expect: { poll: { timeout: 60_000 } },
    setupFiles: ['tools/file-cpu.ts', 'tools/property-runs.ts'],
    provide: {
      propertyRuns: Number(process.env['DAIS_PROPERTY_RUNS'] ?? 100),
      propertySeed: Number(process.env['DAIS_PROPERTY_SEED'] ?? EVERYDAY_SEED),
      servingKills: Number(process.env['DAIS_SERVING_KILLS'] ?? 100),
      soakSeconds: Number(process.env['DAIS_SOAK_SECONDS'] ?? 600),
    },
    exclude: ['**/node_modules/**', ...LEFT_OUT],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{packages,tools,benchmarks}/**/*.test.ts'],
          exclude: ['**/*.{int,conformance,full}.test.ts', '**/node_modules/**'],
          // A limit against hanging, not a measurement: properties run a hundred times on a busy machine too, or a thousand.
          testTimeout: process.env['DAIS_PROPERTY_RUNS'] === undefined ? 60_000 : 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'int',
          include: ['{packages,tools,benchmarks}/**/*.int.test.ts'],
          globalSetup: ['tools/bubblewrap.ts', 'tools/built-packages.ts', 'tools/shared-dais.ts'],
          setupFiles: ['tools/start-built.ts'],
          // Properties of a thousand runs take ten times as long.
          testTimeout: process.env['DAIS_PROPERTY_RUNS'] === undefined ? 180_000 : 1_200_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['{packages,conformance,tools}/**/*.conformance.test.ts'],
          globalSetup: ['tools/bubblewrap.ts', 'tools/built-packages.ts', 'tools/shared-dais.ts'],
          setupFiles: ['tools/start-built.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.spec.ts'],
          globalSetup: ['tools/bubblewrap.ts', 'e2e/built.ts', 'tools/built-packages.ts', 'tools/shared-dais.ts'],
          setupFiles: ['tools/start-built.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'full',
          include: ['{packages,conformance,tools}/**/*.full.test.ts'],
          globalSetup: ['tools/bubblewrap.ts', 'tools/built-packages.ts', 'tools/shared-dais.ts'],
          setupFiles: ['tools/start-built.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
