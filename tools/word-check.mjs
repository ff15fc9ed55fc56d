#!/usr/bin/env node
/**
 * Keeps replaced words out of the texts that people read: node tools/word-check.mjs. tools/word-check.json lists the
 * covered files and, by rule set, regular expressions with the standard term. docs/internals/glossary.md has the reasons.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { root } from './command.mjs';

/**
 * @typedef {{ readonly files: readonly string[], readonly rules: readonly string[] }} Coverage
 * @typedef {{ readonly file: string, readonly text: string }} Allowed
 * @typedef {Readonly<Record<string, string>>} Rules pattern to standard term
 * @typedef {object} WordCheck
 * @property {readonly Coverage[]} coverage globs (with `!` exclusions), and the names of the rule sets for them
 * @property {readonly Allowed[]} allowed exceptions: a text in one file
 * @property {Readonly<Record<string, Rules>>} rules
 * @property {Coverage} types globs, and the names of the rule sets whose patterns are whole names of declared types
 * @property {Coverage} names globs, and the names of the rule sets whose patterns are parts of names: `told` is in `wasTold`
 * @typedef {{ readonly file: string, readonly line: number, readonly text: string, readonly instead: string }} Finding
 */

/**
 * Returns the replaced words in the prose of a file, in the order of their lines.
 * @param {string} file path, whose ending selects how prose is found
 * @param {string} content
 * @param {readonly Rules[]} sets
 * @returns {Finding[]}
 */
export function findReplacedWords(file, content, sets) {
  const matching = sets
    .flatMap((rules) => Object.entries(rules))
    .filter(([pattern]) => content.search(compiled(pattern)) >= 0);
  // Parsing costs more than searching: most files have no replaced word anywhere.
  if (matching.length === 0) return [];
  const prose = proseOf(file, content);
  const findings = matching.flatMap(([pattern, instead]) =>
    [...prose.matchAll(compiled(pattern))].map((match) => ({
      file,
      line: prose.slice(0, match.index).split('\n').length,
      text: match[0].replace(/\s+/g, ' '),
      instead,
    })),
  );
  return findings.toSorted((a, b) => a.line - b.line);
}

/**
 * Returns the replaced words in the identifiers of a source file. A pattern matches a whole part of a name: `spared` matches
 * `findSpared`, `SPARED` and `spared_step`.
 * @param {string} file
 * @param {string} content
 * @param {readonly Rules[]} sets
 * @returns {Finding[]}
 */
export function findReplacedNames(file, content, sets) {
  const matching = sets
    .flatMap((rules) => Object.entries(rules))
    .filter(([pattern]) => content.search(partPattern(pattern)) >= 0);
  if (matching.length === 0) return [];
  /** @type {Finding[]} */
  const findings = [];
  const seen = new Set();
  for (const { name, start } of identifiersOf(file, content)) {
    const hit = matching.find(([pattern]) => partPattern(pattern).test(name));
    if (hit === undefined || seen.has(name)) continue;
    seen.add(name);
    findings.push({ file, line: content.slice(0, start).split('\n').length, text: name, instead: hit[1] });
  }
  return findings.toSorted((a, b) => a.line - b.line);
}

const TYPE_DECLARATIONS = new Set(['TSInterfaceDeclaration', 'TSTypeAliasDeclaration', 'ClassDeclaration']);

/**
 * Returns the declared types of a source file whose whole name matches a pattern.
 * @param {string} file
 * @param {string} content
 * @param {readonly Rules[]} sets
 * @returns {Finding[]}
 */
export function findReplacedTypes(file, content, sets) {
  const rules = sets
    .flatMap((set) => Object.entries(set))
    .map(([pattern, instead]) => ({ pattern: new RegExp(`^(?:${pattern})$`), word: new RegExp(pattern), instead }))
    .filter(({ word }) => word.test(content));
  if (rules.length === 0) return [];
  return identifiersOf(file, content, (type) => TYPE_DECLARATIONS.has(type)).flatMap(({ name, start }) => {
    const hit = rules.find(({ pattern }) => pattern.test(name));
    const line = content.slice(0, start).split('\n').length;
    return hit === undefined ? [] : [{ file, line, text: name, instead: hit.instead }];
  });
}

/** @type {Map<string, RegExp>} */
const partPatterns = new Map();

/** @param {string} pattern in lower case */
function partPattern(pattern) {
  let found = partPatterns.get(pattern);
  if (found === undefined) {
    const capital = pattern.charAt(0).toUpperCase() + pattern.slice(1);
    const upper = pattern.toUpperCase().replaceAll(/\(\?:|\\[A-Z]/g, (part) => part.toLowerCase());
    found = new RegExp(`(?<![a-zA-Z])${pattern}(?![a-z])|${capital}(?![a-z])|(?<![A-Z])${upper}(?![A-Z])`);
    partPatterns.set(pattern, found);
  }
  return found;
}

/**
 * @param {string} file
 * @param {string} content
 * @param {(type: string) => boolean} [isDeclaration] selects declarations, whose names are returned; all identifiers by default
 * @returns {{ name: string, start: number }[]}
 */
function identifiersOf(file, content, isDeclaration) {
  /** @type {{ name: string, start: number }[]} */
  const found = [];
  /** @param {unknown} node */
  const walk = (node) => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node !== 'object' || node === null) return;
    const { type, name, start, id } = /** @type {Record<string, any>} */ (node);
    if (isDeclaration !== undefined) {
      if (isDeclaration(type) && id !== null) found.push({ name: id.name, start: id.start });
    } else if ((type === 'Identifier' || type === 'PrivateIdentifier') && typeof name === 'string')
      found.push({ name, start });
    Object.values(node).forEach(walk);
  };
  walk(parseSync(file, content).program);
  return found;
}

/** @param {string} file @param {string} content */
function proseOf(file, content) {
  if (/\.m?[jt]sx?$/.test(file)) return proseOfSource(file, content);
  return /\.ya?ml$/.test(file) ? proseOfYaml(content) : proseOfMarkdown(content);
}

/** @type {Map<string, RegExp>} */
const patterns = new Map();

/** @param {string} pattern words are whole words; a space also matches a line break */
function compiled(pattern) {
  let found = patterns.get(pattern);
  if (found === undefined) {
    const whole = pattern.startsWith('^') ? pattern : `(?<![\\w-])(?:${pattern.replaceAll(' ', '\\s+')})(?![\\w-])`;
    found = new RegExp(whole, 'gim');
    patterns.set(pattern, found);
  }
  return found;
}

/**
 * Blanks what is no prose: code, comments, link targets and attributes. Positions and lines stay.
 * @param {string} content
 */
export function proseOfMarkdown(content) {
  return [
    /^( *)(`{3,})[^\n]*\n[\s\S]*?^\1\2 *$/gm,
    /<!--[\s\S]*?-->/g,
    /(`+)(?!`)[^\n]*?[^`]\1(?!`)/g,
    /(?<=\])\([^)\n]*\)/g,
    /(?:href|src|srcset|media|class)="[^"]*"/g,
    /https?:\/\/[^\s)>]+/g,
  ].reduce((text, pattern) => text.replace(pattern, blank), content);
}

/** Statements are no prose: `begin` is a keyword there. */
const SQL =
  /^\s*(?:--|\(?select|insert|update|delete|create|alter|with|begin|commit|set|grant|revoke|do \$|drop|from|where|and|order|join|left join|on conflict|copy|lock|case)\b/;

/**
 * Keeps the texts of string literals, templates and JSX; imports and what has no space in it are names.
 * @param {string} file
 * @param {string} content
 */
export function proseOfSource(file, content) {
  // By UTF-16 code unit, as the positions of the parser count.
  const kept = blank(content).split('');
  /** @param {number} start @param {number} end */
  const keep = (start, end) => {
    // The quotes of the text itself are no code spans.
    const text = content.slice(start, end).replace(/^[`'"]|[`'"]$/g, ' ');
    if (!/\s/.test(text.trim())) return;
    // Names of fields and operations are code, also inside a text.
    const prose = text.replace(/\\?`[^`\n]*`/g, blank);
    for (let at = start; at < end; at++) kept[at] = prose[at - start] ?? ' ';
  };
  /** @param {unknown} node */
  const walk = (node) => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node !== 'object' || node === null) return;
    const { type, start, end, value } = /** @type {Record<string, any>} */ (node);
    if (type === 'ImportDeclaration' || type === 'TSLiteralType') return;
    if (type === 'Literal' && typeof value === 'string' && SQL.test(value)) return;
    if (type === 'TemplateLiteral') {
      const { quasis, expressions } = /** @type {Record<string, any>} */ (node);
      return walk(SQL.test(quasis[0]?.value.raw ?? '') ? expressions : [...quasis, ...expressions]);
    }
    if ((type === 'Literal' && typeof value === 'string') || type === 'TemplateElement' || type === 'JSXText') {
      return keep(start, end);
    }
    Object.values(node).forEach(walk);
  };
  walk(parseSync(file, content).program);
  return kept.join('');
}

/**
 * Keeps comments and descriptions.
 * @param {string} content
 */
export function proseOfYaml(content) {
  const texts = /(?:^|\s)#.*|\b(?:description|intendedUse|message):.*/;
  return content
    .split('\n')
    .map((line) => {
      const [text = ''] = texts.exec(line) ?? [];
      return text === '' ? blank(line) : blank(line.slice(0, line.length - text.length)) + text;
    })
    .join('\n');
}

/** @param {string} text */
function blank(text) {
  return text.replace(/[^\n]/g, ' ');
}

/**
 * @param {string} glob `**` is any number of folders, `*` a part of a name
 * @returns {RegExp}
 */
export function globPattern(glob) {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*\*\/|\*/g, (star) => (star === '*' ? '[^/]*' : '(?:[^/]+/)*'))}$`);
}

/**
 * Checks the covered files of a repository.
 * @param {readonly string[]} files paths of all files
 * @param {(file: string) => string} read
 * @param {WordCheck} check
 * @returns {{ findings: Finding[], files: number, unused: string[] }} unused: globs and exceptions that match nothing
 */
export function checkWords(files, read, { coverage, allowed, rules, names, types }) {
  /** @type {string[]} */
  const unused = [];
  let count = 0;
  const found = [
    ...coverage.map((entry) => ({ entry, find: findReplacedWords })),
    { entry: names, find: findReplacedNames },
    { entry: types, find: findReplacedTypes },
  ].flatMap(({ entry, find }) => {
    const globs = entry.files.map((glob) => ({ glob, pattern: globPattern(glob.replace(/^!/, '')) }));
    for (const { glob, pattern } of globs) if (!files.some((file) => pattern.test(file))) unused.push(glob);
    const included = globs.filter(({ glob }) => !glob.startsWith('!'));
    const excluded = globs.filter(({ glob }) => glob.startsWith('!'));
    /** @param {typeof globs} some @param {string} file */
    const isIn = (some, file) => some.some(({ pattern }) => pattern.test(file));
    const covered = files.filter((file) => isIn(included, file) && !isIn(excluded, file));
    count += covered.length;
    const sets = entry.rules.map((name) => {
      const set = rules[name];
      if (set === undefined) throw new Error(`tools/word-check.json has no rule set "${name}".`);
      return set;
    });
    return covered.flatMap((file) => find(file, read(file), sets));
  });
  /** @param {Finding} finding @param {Allowed} entry */
  const isAllowed = (finding, entry) => entry.file === finding.file && entry.text === finding.text;
  for (const entry of allowed) {
    if (!found.some((finding) => isAllowed(finding, entry))) unused.push(`${entry.file}: ${entry.text}`);
  }
  const findings = found.filter((finding) => !allowed.some((entry) => isAllowed(finding, entry)));
  return { findings, files: count, unused };
}

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.cache']);

/** @param {string} folder @returns {string[]} paths of files that can have prose, relative to the folder */
function repositoryFiles(folder) {
  /** @param {string} inside @returns {string[]} */
  const below = (inside) =>
    readdirSync(join(folder, inside), { withFileTypes: true }).flatMap((entry) => {
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : below(path);
      return /\.(?:md|ya?ml|m?[jt]sx?)$/.test(entry.name) ? [path] : [];
    });
  return below('');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { findings, files, unused } = checkWords(
    repositoryFiles(root),
    (file) => readFileSync(join(root, file), 'utf8'),
    /** @type {WordCheck} */ (JSON.parse(readFileSync(join(root, 'tools/word-check.json'), 'utf8'))),
  );
  for (const { file, line, text, instead } of findings) {
    process.stdout.write(`${file}:${line}: "${text}" is a replaced term. Use: ${instead}.\n`);
  }
  for (const entry of unused) process.stdout.write(`tools/word-check.json: "${entry}" matches nothing. Remove it.\n`);
  process.stdout.write(`${files} files, ${findings.length} replaced terms\n`);
  process.exitCode = findings.length + unused.length === 0 ? 0 : 1;
}
