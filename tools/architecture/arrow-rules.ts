/** Import rules: the arrow table, zones without files, cycles between slices, drivers, and the style of imports. */
import { posix } from 'node:path';
import { arrows, drivers, lightPrograms, type Arrow } from '../arrows.ts';
import type { Breach } from './breach.ts';
import { bind, matchesAny, matchPath } from './pattern.ts';
import type { Import, SourceFile } from './source-file.ts';
import { isAround, isTest, locationOf, sliceOf, type Location } from './zones.ts';

/** What an import leads to. */
type Target =
  | { readonly to: 'file'; readonly path: string }
  | { readonly to: 'face'; readonly name: 'api' | 'server' }
  | { readonly to: 'builtin'; readonly name: string }
  | { readonly to: 'package'; readonly name: string }
  | { readonly to: 'asset' }
  | { readonly to: 'nowhere' };

export function checkArrows(files: ReadonlyMap<string, SourceFile>): Breach[] {
  return [...files.values()].flatMap((file) => {
    if (isTest(file.path)) return checkWriting(file, files);
    const location = locationOf(file.path);
    if (location) return [...checkPlaced(file, location, files), ...checkWriting(file, files)];
    return isAround(file.path) ? [] : [{ rule: 'zone', at: file.path, why: 'belongs to no zone of tools/arrows.ts' }];
  });
}

/** A zone without files is planned, with a reason; a planned zone has none. */
export function checkZonesFilled(files: ReadonlyMap<string, SourceFile>, table: readonly Arrow[] = arrows): Breach[] {
  const filled = new Set([...files.keys()].filter((path) => !isTest(path)).map((path) => locationOf(path)?.arrow.zone));
  return table.flatMap((arrow): Breach[] => {
    const at = 'tools/arrows.ts';
    if (arrow.planned === undefined && !filled.has(arrow.zone)) {
      return [{ rule: 'zone', at, why: `zone ${arrow.zone} has no files: is its pattern still right?` }];
    }
    if (arrow.planned !== undefined && filled.has(arrow.zone)) {
      return [{ rule: 'zone', at, why: `zone ${arrow.zone} has files now: remove its "planned"` }];
    }
    return [];
  });
}

/** Slices of one zone that import each other in a circle. */
export function checkAcyclic(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const graph = new Map<string, Set<string>>();
  for (const file of files.values()) {
    const location = locationOf(file.path);
    const from = location && !isTest(file.path) ? sliceOf(location) : undefined;
    if (!from) continue;
    const targets = graph.get(from) ?? new Set();
    graph.set(from, targets);
    for (const entry of file.imports) {
      const target = resolve(file.path, entry.from, files);
      const there = target.to === 'file' ? locationOf(target.path) : undefined;
      const to = there && sliceOf(there);
      if (to && to !== from) targets.add(to);
    }
  }
  const circle = findCircle(graph);
  return circle ? [{ rule: 'acyclic', at: circle[0] ?? '', why: `imports itself: ${circle.join(' → ')}` }] : [];
}

/** What a light program loads when it starts, and who loads it. */
export function checkLight(
  files: ReadonlyMap<string, SourceFile>,
  programs: readonly string[] = lightPrograms,
): Breach[] {
  const seen = new Set<string>();
  const left = programs.map((program) => `packages/server/src/${program}`);
  const breaches: Breach[] = [];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { from, line, typeOnly, lazy } of files.get(path)?.imports ?? []) {
      if (typeOnly || lazy) continue;
      const target = resolve(path, from, files);
      if (target.to === 'file') left.push(target.path);
      if ((target.to !== 'face' && from !== 'zod') || SCHEMALESS.has(from)) continue;
      const why = `${from} is loaded by a program that starts often, with all its schemas: take it from ${[...SCHEMALESS].join(' or ')}`;
      breaches.push({ rule: 'light', at: `${path}:${line}`, why });
    }
  }
  return breaches;
}

/** Faces of few schemas or none. */
const SCHEMALESS: ReadonlySet<string> = new Set([
  '@dais/api/config',
  '@dais/api/errors',
  '@dais/api/gateway',
  '@dais/api/nearest',
]);

function checkPlaced(file: SourceFile, location: Location, files: ReadonlyMap<string, SourceFile>): Breach[] {
  return file.imports.flatMap((entry): Breach[] => {
    const at = `${file.path}:${entry.line}`;
    const target = resolve(file.path, entry.from, files);
    if (target.to === 'package') return checkPackage(file, location, entry, target.name, at);
    if (target.to === 'builtin') return checkBuiltin(location, target.name, at);
    if (target.to === 'face') return checkFace(location, entry, target.name, at);
    if (target.to !== 'file') return [];
    if (isTest(target.path)) return [{ rule: 'arrow', at, why: `imports ${target.path}, which is for tests` }];
    const there = locationOf(target.path);
    if (there && sameZone(location, there)) return [];
    const allowed = location.arrow.may.map((pattern) => fullPattern(bind(pattern, location.bindings)));
    if (!matchesAny(allowed, target.path)) {
      return [{ rule: 'arrow', at, why: `${location.arrow.zone} may not import ${target.path}` }];
    }
    if (there && sliceOf(location) === 'ledgers/lineage' && there.arrow === location.arrow) {
      return [{ rule: 'arrow', at, why: 'lineage holds references only and imports no other ledger' }];
    }
    return [];
  });
}

function checkPackage(file: SourceFile, location: Location, entry: Import, name: string, at: string): Breach[] {
  if (location.arrow.packages && !location.arrow.packages.includes(name)) {
    return [
      { rule: 'package', at, why: `${location.arrow.zone} may import only ${location.arrow.packages.join(', ')}` },
    ];
  }
  const driver = drivers.find((candidate) => matchPath(candidate.package, name));
  if (!driver || entry.typeOnly) return [];
  if (!matchesAny(driver.only, file.path)) {
    return [{ rule: 'driver', at, why: `${name} is imported only in ${driver.only.join(', ')}` }];
  }
  if (!entry.lazy && driver.eager === undefined) {
    return [{ rule: 'driver', at, why: `${name} is loaded with import(), when its engine is used` }];
  }
  return [];
}

function checkBuiltin(location: Location, name: string, at: string): Breach[] {
  const isomorphic = location.arrow.zone === 'api' || location.arrow.zone.startsWith('web');
  return isomorphic
    ? [{ rule: 'arrow', at, why: `${location.arrow.zone} runs in browsers and may not import ${name}` }]
    : [];
}

function checkFace(location: Location, entry: Import, name: 'api' | 'server', at: string): Breach[] {
  if (!location.arrow.may.includes(name) && !location.arrow.may.includes('**')) {
    return [{ rule: 'arrow', at, why: `${location.arrow.zone} may not import @dais/${name}` }];
  }
  if (location.arrow.lazily?.includes(name) && !entry.lazy && !entry.typeOnly) {
    return [{ rule: 'arrow', at, why: `${location.arrow.zone} imports @dais/${name} only with import()` }];
  }
  return [];
}

/** What a command of a package starts is made by the build. */
const BUILT = /^\.\.\/dist\//;

/** How imports are written: `#folder/file.ts` across folders, always with the extension, never to a missing file. */
function checkWriting(file: SourceFile, files: ReadonlyMap<string, SourceFile>): Breach[] {
  const outside = file.unknownImports.map((line) => ({
    rule: 'import',
    at: `${file.path}:${line}`,
    why: 'an import() whose target is computed cannot be judged: write the path as a string',
  }));
  return [
    ...outside,
    ...file.imports.flatMap((entry): Breach[] => {
      const at = `${file.path}:${entry.line}`;
      const target = resolve(file.path, entry.from, files);
      if (target.to === 'nowhere' && BUILT.test(entry.from)) return [];
      if (target.to === 'nowhere') return [{ rule: 'import', at, why: `${entry.from} leads to no file` }];
      // Only packages have `#` imports; inside one slice, a short `../contract.ts` shows that the import stays there.
      const climbs = entry.from.startsWith('../') && target.to === 'file' && file.path.startsWith('packages/');
      if (climbs && packageOf(target.path) === packageOf(file.path) && areaOf(target.path) !== areaOf(file.path)) {
        return [{ rule: 'import', at, why: `${entry.from} crosses folders: write it as #folder/file.ts` }];
      }
      return [];
    }),
  ];
}

function resolve(from: string, request: string, files: ReadonlyMap<string, SourceFile>): Target {
  if (request.startsWith('node:')) return { to: 'builtin', name: request };
  if (request === '@dais/api' || request.startsWith('@dais/api/')) return { to: 'face', name: 'api' };
  if (request === '@dais/server' || request.startsWith('@dais/server/')) return { to: 'face', name: 'server' };
  if (/^[.#]/.test(request)) {
    const base = request.startsWith('#')
      ? `${packageOf(from)}/src/${request.slice(1)}`
      : `${posix.dirname(from)}/${request}`;
    const path = posix.normalize(base);
    if (files.has(path)) return { to: 'file', path };
    return /\.(css|json|svg|png|woff2)(\?\w+)?$/.test(path) ? { to: 'asset' } : { to: 'nowhere' };
  }
  const parts = request.split('/');
  return { to: 'package', name: parts.slice(0, request.startsWith('@') ? 2 : 1).join('/') };
}

/** `packages/server`, or `.` outside packages. */
function packageOf(path: string): string {
  return /^packages\/[^/]+/.exec(path)?.[0] ?? '.';
}

/** The slice or top folder of a package that contains a file: `packages/server/src/engines/blobs`, `…/src/kernel`. */
function areaOf(path: string): string {
  return /^packages\/[^/]+\/src\/(?:(?:engines|kinds|ledgers|protocols)\/)?[^/]+\//.exec(path)?.[0] ?? packageOf(path);
}

function fullPattern(pattern: string): string {
  if (pattern === 'api') return 'packages/api/src/**';
  return /^(packages|tools)\//.test(pattern) ? pattern : `packages/server/src/${pattern}`;
}

function sameZone(one: Location, other: Location): boolean {
  return (
    one.arrow === other.arrow && Object.entries(one.bindings).every(([name, value]) => other.bindings[name] === value)
  );
}

function findCircle(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const search = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    done.add(node);
    for (const next of graph.get(node) ?? []) {
      const circle = search(next, [...path, node]);
      if (circle) return circle;
    }
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = search(node, []);
    if (circle) return circle;
  }
  return undefined;
}
