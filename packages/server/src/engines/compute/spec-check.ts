/** Validates a task spec before any other work. */
import { DaisError, type Issue } from '@dais/api';
import type { Resources, TaskInput, TaskSpec } from './contract.ts';

const ATTEMPT = /^[a-z0-9-]{1,64}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Maximum length of an argument or variable in Linux (MAX_ARG_STRLEN), including its NUL. */
const MAX_STRING_BYTES = 131_071;
/** Half of the limit of Linux for arguments and variables together, with the usual stack of 8 MiB. */
const MAX_STRINGS_BYTES = 2 ** 20;
const MAX_FILES = 100_000;

/**
 * `nodes`: where the target has several machines, as a part of a sentence: `nodes of pool "gpu"`. Then `capacity` is that of the largest one.
 * @throws DaisError `invalid_request`, with all errors.
 */
export function checkSpec(spec: TaskSpec, capacity: Resources, nodes?: string): void {
  const issues: Issue[] = [];
  const report = (path: string, message: string) => issues.push({ path, message });
  if (!ATTEMPT.test(spec.attempt)) report('attempt', 'must consist of a-z, 0-9 and -, at most 64 characters');
  if (spec.environment?.root !== undefined && spec.isolation !== 'required') {
    report('isolation', 'must be `required` for an image');
  }
  issues.push(...commandIssues(spec));
  checkResources(spec.resources, { capacity, nodes }, report);
  for (const [name, value] of Object.entries(spec.limits)) {
    if (!Number.isFinite(value) || (value as number) < 0) report(`limits.${name}`, 'must be a number, 0 or more');
  }
  if (issues.length > 0) {
    const all = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
    throw new DaisError('invalid_request', `The task cannot run here. ${all}`, { issues });
  }
}

/** What an engine that only runs a command gets of its spec. */
type CheckedCommand = Pick<TaskSpec, 'command' | 'variables' | 'secretVariables' | 'outputs'> & {
  readonly inputs: readonly Pick<TaskInput, 'path'>[];
};

/** Returns the errors of a command: strings that Linux cannot pass, and paths that leave the working folder. */
function commandIssues(spec: CheckedCommand): readonly Issue[] {
  const issues: Issue[] = [];
  const report: ReportIssue = (path, message) => issues.push({ path, message });
  checkStrings(spec, report);
  checkPaths(
    spec.inputs.map(({ path }) => path),
    'inputs',
    report,
  );
  spec.outputs.forEach(({ path }, index) => {
    const wrong = pathProblem(path);
    if (wrong !== undefined) report(`outputs[${index}].path`, wrong);
  });
  const names = new Set(spec.outputs.map(({ name }) => name));
  if (names.size < spec.outputs.length) report('outputs', 'must have different names');
  return issues;
}

type ReportIssue = (path: string, message: string) => void;

function checkStrings(spec: CheckedCommand, report: ReportIssue): void {
  let total = 0;
  const check = (path: string, text: string) => {
    const size = Buffer.byteLength(text);
    total += size + 1;
    if (text.includes('\0')) report(path, 'contains a NUL character');
    if (size > MAX_STRING_BYTES)
      report(path, `has ${size} bytes; the maximum of Linux is ${MAX_STRING_BYTES}: use a file`);
  };
  spec.command.forEach((text, index) => check(`command[${index}]`, text));
  if (spec.command[0] === '') report('command[0]', 'is empty');
  for (const field of ['variables', 'secretVariables'] as const) {
    for (const [name, value] of Object.entries(spec[field])) {
      if (!VARIABLE.test(name))
        report(`${field}.${name}`, 'must consist of A-Z, a-z, 0-9 and _, and not start with a digit');
      check(`${field}.${name}`, `${name}=${value}`);
    }
  }
  if (total > MAX_STRINGS_BYTES) {
    report('command', `and variables have ${total} bytes in total, more than ${MAX_STRINGS_BYTES}: use files`);
  }
}

function checkPaths(paths: readonly string[], field: string, report: ReportIssue): void {
  if (paths.length > MAX_FILES)
    report(field, `has ${paths.length} files, more than ${MAX_FILES}: pack them into an archive`);
  const files = new Set<string>();
  const folders = new Set<string>();
  paths.forEach((path, index) => {
    const wrong = pathProblem(path);
    if (wrong !== undefined) report(`${field}[${index}].path`, wrong);
    else if (files.has(path)) report(`${field}[${index}].path`, `${path} is listed twice`);
    files.add(path);
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join('/'));
  });
  for (const path of files) if (folders.has(path)) report(field, `${path} is a file and a folder`);
}

function pathProblem(path: string): string | undefined {
  if (path === '' || path.startsWith('/')) return 'must be relative to the working folder';
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return `${JSON.stringify(path)} has an empty segment, \`.\` or \`..\``;
  }
  if (path.includes('\0')) return 'contains a NUL character';
  if (path.split('/').some((part) => Buffer.byteLength(part) > 255)) return 'has a segment of more than 255 bytes';
  return Buffer.byteLength(path) > 3000 ? 'has more than 3000 bytes' : undefined;
}

interface Capacity {
  readonly capacity: Resources;
  readonly nodes: string | undefined;
}

function checkResources(requested: Resources, { capacity, nodes }: Capacity, report: ReportIssue): void {
  const [all, largest, they] =
    nodes === undefined
      ? ['this machine', 'this machine', 'it has']
      : [`the ${nodes}`, `the largest of the ${nodes}`, 'they have'];
  for (const [name, amount] of Object.entries(requested)) {
    const has = capacity[name];
    const path = `resources.${name}`;
    if (has === undefined) {
      const known = Object.keys(capacity).join(', ');
      const advice = name.includes('/') ? `${they} none` : `${they} ${known}`;
      report(path, `is not available on ${all}: ${advice}`);
    } else if (!Number.isFinite(amount) || amount < 0) report(path, 'must be a number, 0 or more');
    else if (name.includes('/') && !Number.isInteger(amount)) report(path, 'must be a whole number');
    else if (amount > has) report(path, `requests ${amount}, and ${largest} has ${has}`);
  }
}
