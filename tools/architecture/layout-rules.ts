/** Rules for the location, name and length of files. */
import { limits } from '../arrows.ts';
import type { Breach } from './breach.ts';
import type { SourceFile } from './source-file.ts';

/** Modules with which a test does I/O; a unit test (`x.test.ts`) has none of them. */
const IO_MODULES = /^node:(fs|fs\/promises|net|http|https|http2|tls|dgram|child_process|worker_threads|cluster)$/;

/** Unit tests that read the repository itself: their subject is its text. */
const READ_THE_REPOSITORY = new Set(['tools/architecture.test.ts', 'tools/generate/generate.test.ts']);

const KINDS_OF_TEST = ['int', 'conformance', 'full'];

const DRAWERS = /(^|\/)(utils?|common|shared|helpers?|misc)(\/|\.|$)/;

export function checkLayout(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const problems = [...files.values()].flatMap((file) => [
    ...checkName(file),
    ...checkLength(file),
    ...checkTest(file, files),
  ]);
  return [...problems, ...checkFaces(files)];
}

function checkName({ path }: SourceFile): Breach[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const stem = name.replace(/\.(d\.mts|tsx?|mjs|cjs|js)$/, '');
  const component = path.startsWith('packages/web/') && /^[A-Z][A-Za-z0-9]*(\.\w+)*$/.test(stem);
  const breaches: Breach[] = [];
  if (!component && !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/.test(stem)) {
    breaches.push({ rule: 'name', at: path, why: 'files are named in kebab-case, concept and role' });
  }
  if (DRAWERS.test(path)) breaches.push({ rule: 'name', at: path, why: 'a drawer is no concept: name what is in it' });
  return breaches;
}

function checkLength(file: SourceFile): Breach[] {
  if (file.codeLines <= limits.fileLines) return [];
  const why = `${file.codeLines} code lines; the limit is ${limits.fileLines}: split it by concept`;
  return [{ rule: 'length', at: file.path, why }];
}

function checkTest(file: SourceFile, files: ReadonlyMap<string, SourceFile>): Breach[] {
  const { path } = file;
  if (/\.spec\.tsx?$/.test(path) && !path.startsWith('e2e/')) {
    return [{ rule: 'test', at: path, why: 'tests end in .test.ts; .spec.ts is for the browser journeys in e2e/' }];
  }
  const match = /^(.*?)(?:\.([a-z]+))?\.test\.tsx?$/.exec(path);
  if (!match) return [];
  const [, subject = '', kind] = match;
  if (kind !== undefined) {
    if (KINDS_OF_TEST.includes(kind)) return [];
    return [
      { rule: 'test', at: path, why: `".${kind}.test.ts" is no kind of test: ${KINDS_OF_TEST.join(', ')} or none` },
    ];
  }
  const breaches: Breach[] = [];
  const [folder, name] = subject.split('/').slice(-2);
  const beside = ['ts', 'tsx', 'mjs'].some((extension) => files.has(`${subject}.${extension}`)) || folder === name;
  if (!beside && !READ_THE_REPOSITORY.has(path)) {
    breaches.push({
      rule: 'test',
      at: path,
      why: `a unit test lies beside its subject or is named like its folder, but there is no ${subject}.ts`,
    });
  }
  for (const entry of file.imports) {
    if (!IO_MODULES.test(entry.from) || entry.typeOnly || READ_THE_REPOSITORY.has(path)) continue;
    breaches.push({ rule: 'test', at: `${path}:${entry.line}`, why: `does I/O (${entry.from}): name it .int.test.ts` });
  }
  return breaches;
}

/** Each slice has its face; each engine that has implementations has the suite that they all pass. */
function checkFaces(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const expected = new Set<string>();
  for (const path of files.keys()) {
    const slice = /^packages\/server\/src\/(ledgers|kinds|protocols)\/[^/]+\//.exec(path)?.[0];
    if (slice) expected.add(`${slice}index.ts`);
    const engine = /^(packages\/server\/src\/engines\/[^/]+\/)[^/]+\//.exec(path)?.[1];
    if (engine) expected.add(`${engine}contract.ts`).add(`${engine}suite.ts`);
  }
  return [...expected]
    .filter((path) => !files.has(path))
    .map((path) => ({
      rule: 'face',
      at: path,
      why: 'is missing: a slice has a face, an engine a contract and a suite',
    }));
}
