/**
 * Parses requirement lines of users. Only packages of an index and files with an https URL are accepted: anyone who can start a
 * run writes such lines, and the installer runs with the permissions of the server.
 */
import type { Issue } from '@dais/api';

/** A bound for the parser, beyond any working environment. */
const MAX_LINES = 5_000;
const MAX_LINE = 4_096;
const MAX_HASHES = 2_000;

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?/;
const EXTRAS = /^\s*\[[A-Za-z0-9._,\s-]{0,500}\]/;
const CLAUSE = /^(?:===|==|!=|<=|>=|~=|<|>)\s*[A-Za-z0-9._*+!-]{1,128}$/;
/** `$` is excluded: the installer would expand environment variables. */
const ADDRESS = /^https?:\/\/[A-Za-z0-9!#%&'()*+,./:=?_~-]+$/;
const MARKER = /^[A-Za-z0-9_\s"'.<>=!~(),+*-]{1,1000}$/;
const HASH = /^--hash=sha256:[0-9a-f]{64}$/;

export interface Requirement {
  readonly name: string;
  /** URL of a package that is not from an index. */
  readonly url?: string;
  readonly pinned: boolean;
  readonly hashed: boolean;
  /** Normalized text: whitespace and the order of hashes do not matter. */
  readonly text: string;
}

/** Parses all lines; `issues` contains the error of each rejected line. */
export function readRequirements(
  lines: readonly string[],
  path: string,
): { readonly requirements: readonly Requirement[]; readonly issues: readonly Issue[] } {
  if (lines.length > MAX_LINES) {
    return { requirements: [], issues: [{ path, message: `${lines.length} lines`, expected: `at most ${MAX_LINES}` }] };
  }
  const issues: Issue[] = [];
  const requirements: Requirement[] = [];
  for (const [index, line] of lines.entries()) {
    const read = readLine(line);
    if (typeof read !== 'string') requirements.push(read);
    else issues.push({ path: `${path}[${index}]`, message: `“${line.slice(0, 120).trim()}” ${read}` });
  }
  return { requirements, issues };
}

/** Returns the requirement, or the error. */
function readLine(line: string): Requirement | string {
  if (/[\r\n\0]/.test(line)) return 'contains more than one line';
  const [requirement = '', ...options] = line.trim().split(/\s+(?=--)/);
  if (requirement.length > MAX_LINE || options.length > MAX_HASHES) return 'is too long';
  const option = /^-{1,2}[a-z-]*/i.exec(requirement)?.[0];
  if (option !== undefined) return optionProblem(option);
  const odd = options.find((one) => !HASH.test(one));
  if (odd !== undefined) return `has the option ${odd.split(/[=\s]/)[0]}; only --hash=sha256:… is supported`;
  const name = NAME.exec(requirement)?.[0];
  if (name === undefined || /^[A-Za-z0-9._-]*[/\\]/.test(requirement) || /^file:/i.test(requirement))
    return pathProblem(requirement);
  if (/^[a-z+]+:\/\//i.test(requirement)) return 'is a URL; write `name @ https://…`';
  const extras = EXTRAS.exec(requirement.slice(name.length))?.[0] ?? '';
  const rest = requirement.slice(name.length + extras.length).trim();
  const parts = rest.startsWith('@') ? readAddress(rest) : readVersions(rest);
  if (typeof parts === 'string') return parts;
  const { url, versions, marker } = parts;
  const text = [
    `${name}${extras.replaceAll(/\s/g, '')}${url === undefined ? versions : ` @ ${url}`}`,
    ...(marker === undefined ? [] : ['; ', marker]),
    ...options.toSorted().map((one) => ` ${one}`),
  ].join('');
  return {
    name,
    ...(url !== undefined && { url }),
    pinned: url !== undefined || /^={2,3}[^*]+$/.test(versions),
    hashed: options.length > 0,
    text,
  };
}

interface RequirementFields {
  readonly url?: string;
  readonly versions: string;
  readonly marker: string | undefined;
}

function readAddress(rest: string): RequirementFields | string {
  const [, url = '', marker] = /^@\s*(\S+)(?:\s+;\s*(.*))?$/s.exec(rest) ?? [];
  if (/^git\+/i.test(url)) return 'is a Git repository without a hash; use the https URL of a wheel or archive';
  if (/^(file:|[./~])/i.test(url)) return pathProblem(url);
  if (!ADDRESS.test(url) || !URL.canParse(url)) return 'has an unsupported URL; write `name @ https://…`';
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') return 'has credentials in its URL';
  if (marker !== undefined && !MARKER.test(marker)) return markerProblem();
  return { url, versions: '', marker };
}

function readVersions(rest: string): RequirementFields | string {
  const at = rest.indexOf(';');
  const marker = at < 0 ? undefined : rest.slice(at + 1).trim();
  const versions = (at < 0 ? rest : rest.slice(0, at)).trim().replace(/^\((.*)\)$/, '$1');
  if (marker !== undefined && !MARKER.test(marker)) return markerProblem();
  const clauses = versions === '' ? [] : versions.split(',').map((clause) => clause.trim());
  const wrong = clauses.find((clause) => !CLAUSE.test(clause));
  if (wrong !== undefined) {
    const meant = /^=[^=]/.test(wrong) ? `; write \`==${wrong.slice(1)}\`` : '';
    return `is not a requirement such as \`pandas>=2,<3\`: “${wrong.slice(0, 60)}” is not a version clause${meant}`;
  }
  return { versions: clauses.map((clause) => clause.replaceAll(/\s/g, '')).join(','), marker };
}

function optionProblem(option: string): string {
  if (/^(-r|--requirement|-c|--constraint)/.test(option)) return 'includes another file; copy its lines here';
  if (/^(-e|--editable)/.test(option)) return pathProblem(option);
  if (/^(-i|--index-url|--extra-index-url)/.test(option)) return 'sets an index; list indexes in `indexes`';
  if (/^(-f|--find-links)/.test(option))
    return 'names a folder or page of files; use an index, or the wheelhouse of the server';
  return 'is an option of an installer; only requirements are supported';
}

function pathProblem(text: string): string {
  const what = /^(-e|--editable)$/.test(text) ? 'installs from a folder' : 'is a local path';
  return `${what}, which the server does not read; publish it to an index, or put a wheel into the wheelhouse of the server`;
}

function markerProblem(): string {
  return 'has an unsupported marker; write one such as `; python_version < "3.12"`';
}
