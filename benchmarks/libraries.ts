/**
 * Compares our own code with libraries that could replace it (decision 31), on the work that Dais does with it: CPU of one call,
 * and the size of the library with everything that it depends on. The libraries are not dependencies of Dais. Without a folder,
 * only our code and libraries that Dais already depends on are measured.
 *
 *     npm install --prefix FOLDER avsc proper-lockfile cookie @fastify/static @bufbuild/protobuf @elastic/ecs-pino-format \
 *       pino stdnum @opentelemetry/sdk-trace-base @opentelemetry/exporter-trace-otlp-http @opentelemetry/otlp-transformer \
 *       @tanstack/react-table
 *     npx tsx --conditions=dais-source benchmarks/libraries.ts [FOLDER] [--only NAME]
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Candidates } from './libraries/candidates.ts';
import { compareDatabase } from './libraries/database.ts';
import { compareFiles } from './libraries/files.ts';
import { compareIdentifiers } from './libraries/identifiers.ts';
import { compareOperations } from './libraries/operations.ts';
import { compareProtobuf } from './libraries/protobuf.ts';
import { compareServer } from './libraries/server.ts';
import { compareText } from './libraries/text.ts';
import { compareWeb } from './libraries/web.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const candidates = new Candidates(positionals[0]);

const SECTIONS = {
  files: compareFiles,
  identifiers: compareIdentifiers,
  protobuf: compareProtobuf,
  text: compareText,
  server: compareServer,
  operations: compareOperations,
  database: compareDatabase,
  web: compareWeb,
} as const;

console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`);
for (const [name, section] of Object.entries(SECTIONS)) {
  if (values.only !== undefined && values.only !== name) continue;
  console.log(`\n${name}`);
  await section(candidates);
}
