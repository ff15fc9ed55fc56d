/** Modules of the sources as programs of tests that kill them: one text, which Node starts without a loader. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown, type Plugin } from 'rolldown';
import { start, type ChildProcess, type StartOptions } from './process.ts';

const ENTRY = 'program-of-a-test';
const texts = new Map<string, Promise<string>>();

export interface ModuleProgram {
  readonly module: URL;
  /** Runs after the import; `program` has the exports of the module. */
  readonly statement?: string;
  /** JSON in `process.argv[2]`. */
  readonly argument: unknown;
  readonly env?: StartOptions['env'];
  readonly stdout: 'pipe' | 'ignore';
  readonly stderr: 'pipe' | 'inherit';
}

/** Starts a module of the sources in a process of its own. */
export async function startModule(options: ModuleProgram): Promise<ChildProcess> {
  const { module, statement = 'void program;', argument, env, stdout, stderr } = options;
  const entry = `import * as program from ${JSON.stringify(fileURLToPath(module))};\n${statement}`;
  const text = texts.get(entry) ?? bundleText(entry);
  texts.set(entry, text);
  const program = await text;
  const child = start(process.execPath, ['--input-type=module', '-', JSON.stringify(argument)], {
    // Packages are found from here.
    cwd: import.meta.dirname,
    ...(env !== undefined && { env }),
    stdio: ['pipe', stdout, stderr],
  });
  // It may be killed before it has read its program.
  child.stdin?.on('error', () => {});
  child.stdin?.end(program);
  return child;
}

async function bundleText(entry: string): Promise<string> {
  const bundle = await rolldown({
    input: ENTRY,
    platform: 'node',
    external: (id) => id !== ENTRY && !/^([.#/]|@dais\/)/.test(id),
    resolve: { conditionNames: ['dais-source', 'node', 'import', 'default'] },
    // Modules that tests share with such a program import it, and do nothing with it there.
    treeshake: { moduleSideEffects: (id) => id !== 'vitest' },
    plugins: [entryPlugin(entry), LOCATIONS],
  });
  try {
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
    return output[0].code;
  } finally {
    await bundle.close();
  }
}

function entryPlugin(entry: string): Plugin {
  return {
    name: 'entry',
    resolveId: (id) => (id === ENTRY ? id : null),
    load: (id) => (id === ENTRY ? entry : null),
  };
}

/** A module finds files and programs from where its source is. */
const LOCATIONS: Plugin = {
  name: 'places',
  transform: (code, id) =>
    code.includes('import.meta.url')
      ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
      : null,
};
