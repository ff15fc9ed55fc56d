/**
 * The page of benchmark results: reads the tables that benchmarks print (benchmarks/lib/result-table.mjs), and merges them into the
 * page. A measured row replaces the row with the same key and gets the date, the load and the machine of its measurement; other rows
 * stay as they are. The page itself is the store.
 */
import { cpus, totalmem } from 'node:os';
import { KEY_COLUMNS, resultTable } from '../benchmarks/lib/result-table.mjs';

/**
 * @typedef {object} Table
 * @property {string} title
 * @property {readonly string[]} header
 * @property {readonly Readonly<Record<string, string>>[]} rows cells by header
 */

/**
 * @typedef {object} BenchRun
 * @property {string} file the benchmark
 * @property {string} output
 * @property {boolean} isWhole it ran to its end, with its default options: rows that it did not print are obsolete
 * @property {string} load load average during the run
 */

/** @typedef {{ id: string, cpu: string, cores: string, memory: string, node: string }} Machine */
/** @typedef {{ file: string, tables: readonly Table[] }} Section */
/** @typedef {{ machines: readonly Machine[], sections: readonly Section[] }} Results */

export const RESULTS_PAGE = 'docs/internals/benchmark-results.md';

const MACHINES_TITLE = 'Machines';
const MACHINE_HEADER = /** @type {const} */ (['machine', 'CPU', 'cores', 'memory (GiB)', 'Node']);
/** Columns that the page adds to each row. */
const MEASUREMENT = ['date', 'load', 'machine'];

const INTRODUCTION = `# Benchmark results

\`npm run bench -- --write\` writes this page from the tables that the benchmarks print. A run of a few benchmarks or calls updates
only their rows. Each row has the date of its measurement, the load average of the machine during the run and the
[machine](#machines). Other work on the machine raises the CPU of all servers and widens the intervals, so compare values of one run. Short
runs have few rounds and calls.
[Benchmarks and their claims](./benchmarks) describes the columns and the peers.
`;

/**
 * Returns the tables of a text, each with its title (`### Title`).
 * @param {string} text
 * @returns {Table[]}
 */
export function readTables(text) {
  /** @type {Table[]} */
  const tables = [];
  let title = '';
  /** @type {string[] | undefined} */
  let header;
  /** @type {Record<string, string>[]} */
  let rows = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) {
      if (line.trim() !== '') title = /^### (.+)/.exec(line)?.[1] ?? '';
      header = undefined;
      continue;
    }
    const cells = cellsOf(line);
    if (title === '' || cells.every((cell) => /^:?-+:?$/.test(cell))) continue;
    if (header === undefined) {
      header = cells;
      rows = [];
      tables.push({ title, header, rows });
      continue;
    }
    rows.push(Object.fromEntries(header.map((name, at) => [name, cells[at] ?? ''])));
  }
  return tables;
}

/**
 * Returns the results of a page; an empty text has none.
 * @param {string} page
 * @returns {Results}
 */
export function readResults(page) {
  const sections = page.split(/^## /m).slice(1);
  const [machines, ...others] = [
    sections.find((section) => section.startsWith(MACHINES_TITLE)) ?? '',
    ...sections.filter((section) => !section.startsWith(MACHINES_TITLE)),
  ];
  const [table] = readTables(`### ${machines}`);
  return {
    machines: (table?.rows ?? []).map((row) => {
      const [id = '', cpu = '', cores = '', memory = '', node = ''] = MACHINE_HEADER.map((name) => row[name] ?? '');
      return { id, cpu, cores, memory, node };
    }),
    sections: others.map((section) => ({ file: /^`(.+)`/.exec(section)?.[1] ?? '', tables: readTables(section) })),
  };
}

/**
 * Returns the results with those of the runs. `files` are all benchmarks, in the order of the page.
 * @param {Results} results
 * @param {readonly BenchRun[]} runs
 * @param {{ date: string, machine: Omit<Machine, 'id'>, files: readonly string[] }} measurement
 * @returns {Results}
 */
export function mergeResults(results, runs, { date, machine, files }) {
  const known = results.machines.find((one) => MACHINE_KEYS.every((key) => one[key] === machine[key]));
  const id = known?.id ?? nextId(results.machines.map((one) => one.id));
  const sections = files.flatMap((file) => {
    const before = results.sections.find((section) => section.file === file)?.tables ?? [];
    const run = runs.find((one) => one.file === file);
    if (run === undefined) return before.length === 0 ? [] : [{ file, tables: before }];
    const after = readTables(run.output).map((table) => measured(table, { date, load: run.load, machine: id }));
    const tables = run.isWhole ? after : mergeTables(before, after);
    return tables.length === 0 ? [] : [{ file, tables }];
  });
  const used = new Set(
    sections.flatMap(({ tables }) => tables.flatMap(({ rows }) => rows.map((row) => row['machine']))),
  );
  const machines = known === undefined ? [...results.machines, { id, ...machine }] : results.machines;
  return { machines: machines.filter((one) => used.has(one.id)), sections };
}

/** @param {Results} results */
export function renderResults({ machines, sections }) {
  const machineRows = machines.map(({ id, cpu, cores, memory, node }) => [id, cpu, cores, memory, node]);
  const parts = sections.map(({ file, tables }) => {
    const texts = tables.map(({ title, header, rows }) => {
      const cells = rows.map((row) => header.map((name) => row[name] ?? ''));
      return resultTable(title, header, cells);
    });
    return `## \`${file}\`\n\n${texts.join('\n\n')}`;
  });
  const machineTable = resultTable(MACHINES_TITLE, MACHINE_HEADER, machineRows).replace('###', '##');
  return [INTRODUCTION, ...parts.map((part) => `${part}\n`), `${machineTable}\n`].join('\n');
}

/** Returns the machine that runs this program. */
export function thisMachine() {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: String(all.length),
    memory: (totalmem() / 2 ** 30).toFixed(1),
    node: process.versions.node,
  };
}

const MACHINE_KEYS = /** @type {const} */ (['cpu', 'cores', 'memory', 'node']);

/** @param {readonly string[]} ids letters, `A` to `Z` */
function nextId(ids) {
  const letters = Array.from({ length: 26 }, (_, at) => String.fromCodePoint(65 + at));
  return letters.find((letter) => !ids.includes(letter)) ?? 'Z';
}

/**
 * @param {Table} table
 * @param {Readonly<Record<string, string>>} measurement
 * @returns {Table}
 */
function measured({ title, header, rows }, measurement) {
  return { title, header: [...header, ...MEASUREMENT], rows: rows.map((row) => ({ ...row, ...measurement })) };
}

/**
 * @param {readonly Table[]} before
 * @param {readonly Table[]} after
 * @returns {Table[]}
 */
function mergeTables(before, after) {
  const kept = before.map((table) => {
    const newer = after.find(({ title }) => title === table.title);
    if (newer === undefined) return table;
    const rows = new Map([...table.rows, ...newer.rows].map((row) => [keyOf(newer.header, row), row]));
    return { ...newer, rows: [...rows.values()] };
  });
  const added = after.filter(({ title }) => !before.some((table) => table.title === title));
  return [...kept, ...added];
}

/**
 * @param {readonly string[]} header
 * @param {Readonly<Record<string, string>>} row
 */
function keyOf(header, row) {
  return JSON.stringify(header.filter((name) => KEY_COLUMNS.includes(name)).map((name) => row[name]));
}

/** @param {string} line */
function cellsOf(line) {
  const cells = line.trim().split(/(?<!\\)\|/);
  return cells.slice(1, -1).map((cell) => cell.trim().replaceAll('\\|', '|'));
}
