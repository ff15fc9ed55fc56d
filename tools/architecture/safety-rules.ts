/** Architecture rules outside of linters: which files may start processes, fetch, read the environment, name a protocol. */
import { doorValues, environmentReaders, exempt, kernelWords, limits, protocolNames } from '../arrows.ts';
import type { Breach } from './breach.ts';
import { matchesAny } from './pattern.ts';
import type { SourceFile } from './source-file.ts';
import { isTest, locationOf } from './zones.ts';

const PROCESS_MODULES = new Set(['child_process', 'worker_threads', 'cluster']);

export function checkSafety(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const names = domainNames(files);
  return [
    ...[...files.values()].flatMap((file) => [
      ...checkProcesses(file),
      ...checkFetch(file),
      ...checkEnvironment(file),
      ...checkDoor(file),
      ...checkExports(file),
      ...checkProtocolNames(file),
      ...checkKernelWords(file, names),
      ...atLines('mock', file, file.mocks, 'nothing of ours is replaced by a double: use the real thing'),
      ...file.errors.map((error) => ({ rule: 'syntax', at: file.path, why: error })),
    ]),
    ...checkKernelSize(files),
  ];
}

function checkProcesses(file: SourceFile): Breach[] {
  if (allowed(exempt.processes, file.path)) return [];
  return file.imports
    .filter((entry) => !entry.typeOnly && PROCESS_MODULES.has(entry.from.replace('node:', '')))
    .map((entry) => ({
      rule: 'process',
      at: `${file.path}:${entry.line}`,
      why: `${entry.from} is imported only in lib/process.ts`,
    }));
}

function checkFetch(file: SourceFile): Breach[] {
  if (isTest(file.path) || allowed(exempt.fetch, file.path)) return [];
  return atLines('fetch', file, file.fetches, 'the global fetch uses no proxy and no guard: use lib/outbound');
}

function checkEnvironment(file: SourceFile): Breach[] {
  if (isTest(file.path) || matchesAny(environmentReaders, file.path)) return [];
  return atLines(
    'environment',
    file,
    file.environment,
    'process.env is read in one file a package; take the value as a parameter',
  );
}

/** A route that bypasses the dispatcher would skip authorization. */
function checkDoor(file: SourceFile): Breach[] {
  if (isTest(file.path) || !/^(http$|protocols\/)/.test(locationOf(file.path)?.arrow.zone ?? '')) return [];
  return file.imports
    .filter(({ from, typeOnly }) => !typeOnly && /^#(kernel|policy|engines)\//.test(from) && !doorValues.includes(from))
    .map(({ from, line }) => ({
      rule: 'door',
      at: `${file.path}:${line}`,
      why: `a door calls the dispatcher: of ${from} it may import types only`,
    }));
}

function checkExports(file: SourceFile): Breach[] {
  const all = atLines('export', file, file.exportsAll, 'export * hides what a face shows: name the exports');
  if (allowed(exempt.defaultExport, file.path)) return all;
  return [...all, ...atLines('export', file, file.defaultExports, 'exports have names')];
}

function checkProtocolNames(file: SourceFile): Breach[] {
  if (isTest(file.path) || !/^(ledgers|kinds)\//.test(locationOf(file.path)?.arrow.zone ?? '')) return [];
  const pattern = new RegExp(protocolNames.map((name) => name.replace('-', '-?')).join('|'), 'gi');
  return [file.path, ...file.code.split('\n')].flatMap((line, number) =>
    (line.match(pattern) ?? []).map((name) => ({
      rule: 'protocol name',
      at: number === 0 ? file.path : `${file.path}:${number}`,
      why: `a ledger or kind does not know that "${name}" exists`,
    })),
  );
}

function checkKernelWords(file: SourceFile, names: ReadonlySet<string>): Breach[] {
  if (isTest(file.path) || locationOf(file.path)?.arrow.zone !== 'kernel') return [];
  return file.texts
    .filter((text) => names.has(text.value))
    .map((text) => ({
      rule: 'kernel',
      at: `${file.path}:${text.line}`,
      why: `the kernel names no kind and no ledger, but contains "${text.value}"`,
    }));
}

/** `Endpoint` for packages/api/src/kinds/endpoint.ts and `tracking` for ledgers/tracking. */
function domainNames(files: ReadonlyMap<string, SourceFile>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const path of files.keys()) {
    const kind = /^packages\/api\/src\/kinds\/([a-z0-9-]+)\.ts$/.exec(path)?.[1];
    if (kind && kind !== 'index')
      names.add(kind.replaceAll(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase()));
    const ledger = /^packages\/server\/src\/ledgers\/([^/]+)\//.exec(path)?.[1];
    if (ledger) names.add(ledger);
  }
  for (const word of kernelWords) names.delete(word);
  return names;
}

function checkKernelSize(files: ReadonlyMap<string, SourceFile>): Breach[] {
  // Migrations are never shortened again, so they would eat the limit without anyone having added to the kernel.
  const lines = [...files.values()]
    .filter((file) => locationOf(file.path)?.arrow.zone === 'kernel' && !isTest(file.path))
    .filter((file) => !file.path.includes('/migrations/'))
    .reduce((sum, file) => sum + file.codeLines, 0);
  if (lines <= limits.kernelLines) return [];
  return [
    {
      rule: 'kernel',
      at: 'packages/server/src/kernel',
      why: `${lines} code lines; the limit is ${limits.kernelLines}: what only one kind needs belongs to that kind`,
    },
  ];
}

function allowed(entries: readonly { readonly files: string }[], path: string): boolean {
  return matchesAny(
    entries.map((entry) => entry.files),
    path,
  );
}

function atLines(rule: string, file: SourceFile, lines: readonly number[], why: string): Breach[] {
  return lines.map((line) => ({ rule, at: `${file.path}:${line}`, why }));
}
