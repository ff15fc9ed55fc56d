/**
 * Dependency files of Python projects and models: `requirements.txt`, `conda.yaml` and `python_env.yaml`. They are
 * converted to a Python version and lines for pip. Nothing is resolved, so only the index shows whether a package
 * exists.
 */
import { readYamlDocuments, YamlError } from './yaml-documents.ts';

export interface PythonNeeds {
  /** `3.11` or `3.11.9`; undefined when the file leaves it open. */
  readonly version?: string;
  readonly requirements: readonly string[];
  /** URLs of additional indexes. */
  readonly indexes: readonly string[];
  /** Omitted dependencies that are not needed: pip, and libraries that wheels contain. */
  readonly leftOut: readonly string[];
  /** What cannot be had this way; an environment without it may not do. */
  readonly unsupported: readonly { readonly text: string; readonly why: string }[];
}

/** The text of a file that another one names; undefined when there is none. */
export type OtherFile = (path: string) => string | undefined;

/** The file has another format; the message contains the position and the reason. */
export class PythonFileError extends Error {}

interface Found {
  version?: string;
  readonly requirements: string[];
  readonly indexes: string[];
  readonly leftOut: string[];
  readonly unsupported: { readonly text: string; readonly why: string }[];
}

const MAX_INCLUDES = 16;
const VERSION = /^3\.\d{1,2}(?:\.\d{1,2})?$/;

/** Tools that make packages, and what wheels carry inside. */
const LEFT_OUT =
  /^(?:pip|setuptools|wheel|python_abi|ca-certificates|certifi-win32|openssl|zlib|bzip2|xz|readline|tk|ncurses|sqlite|ld_impl_.*|lib(?:gcc|stdcxx|gomp|ffi|zlib|uuid|nsl|blas|cblas|lapack|gfortran)[a-z0-9-]*|_libgcc_mutex|_openmp_mutex|blas|openblas|libopenblas|tzdata)$/;
/** Packages with another name at PyPI. */
const PYPI_NAMES: Readonly<Record<string, string>> = {
  pytorch: 'torch',
  'pytorch-cpu': 'torch',
  'pytorch-gpu': 'torch',
  'py-xgboost': 'xgboost',
  'py-xgboost-cpu': 'xgboost',
  'py-opencv': 'opencv-python-headless',
  opencv: 'opencv-python-headless',
  'matplotlib-base': 'matplotlib',
  'seaborn-base': 'seaborn',
  'dask-core': 'dask',
  'tensorflow-base': 'tensorflow',
  'tensorflow-gpu': 'tensorflow',
  'python-graphviz': 'graphviz',
};
/** Programs and libraries that no wheel is of. */
const NOT_PYPI =
  /^(?:cudatoolkit|cuda(?:-(?!python$).*)?|cudnn|nccl|gcc.*|gxx.*|clang.*|make|r|r-.*|nodejs|openjdk|perl|git|graphviz|java-.*|postgresql|redis-server|ffmpeg|lib(?!rosa$|clang$|sass$)[a-z].*)$/;

/** The lines of a requirements file: continued ones joined, without comments and empty ones. */
export function logicalLines(text: string): readonly string[] {
  return text
    .replaceAll(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** `requirements.txt`. */
export function readRequirementsFile(text: string, other: OtherFile): PythonNeeds {
  const found = nothing();
  addLines(found, logicalLines(text), other);
  return found;
}

/**
 * `conda.yaml`. Entries under `pip` stay unchanged; a conda package becomes the PyPI package of the same name, or of
 * its different PyPI name. @throws PythonFileError
 */
export function readCondaFile(text: string, other: OtherFile): PythonNeeds {
  const { dependencies } = readMap(text);
  if (!Array.isArray(dependencies)) throw new PythonFileError('`dependencies` is missing or not a list');
  const found = nothing();
  for (const entry of dependencies as unknown[]) {
    if (typeof entry === 'string') addConda(found, entry);
    else if (isMap(entry) && Array.isArray(entry['pip'])) addLines(found, texts(entry['pip'], 'pip'), other);
    else throw new PythonFileError('an entry of `dependencies` is neither a package nor a list under `pip`');
  }
  return found;
}

/** `python_env.yaml`: what is needed to build is left out. @throws PythonFileError */
export function readPythonEnvFile(text: string, other: OtherFile): PythonNeeds {
  const { python, dependencies = [], build_dependencies: tools = [] } = readMap(text);
  const found = nothing();
  if (python !== undefined && python !== null) setVersion(found, pythonText(python));
  found.leftOut.push(...texts(tools, 'build_dependencies'));
  addLines(found, texts(dependencies, 'dependencies'), other);
  return found;
}

function addLines(found: Found, lines: readonly string[], other: OtherFile, within: readonly string[] = []): void {
  for (const line of lines) {
    const [, option = '', value = ''] = /^(-[a-zA-Z]|--[a-z-]+)(?:[\s=]*)(.*)$/s.exec(line) ?? [];
    if (option === '') found.requirements.push(line);
    else if (option === '-r' || option === '--requirement') include(found, value, other, within);
    else if (option === '-i' || option === '--index-url' || option === '--extra-index-url') found.indexes.push(value);
    else if (option === '--trusted-host' || option === '--prefer-binary') found.leftOut.push(line);
    else if (option === '-e' || option === '--editable')
      found.unsupported.push({ text: line, why: 'a folder on another machine' });
    else found.unsupported.push({ text: line, why: 'a pip option that changes the resolution of packages' });
  }
}

function include(found: Found, path: string, other: OtherFile, within: readonly string[]): void {
  if (within.includes(path) || within.length >= MAX_INCLUDES) {
    throw new PythonFileError(`${[...within, path].join(' includes ')}, which is a circular include`);
  }
  const text = other(path);
  if (text === undefined) throw new PythonFileError(`the included file ${path} does not exist`);
  addLines(found, logicalLines(text), other, [...within, path]);
}

function addConda(found: Found, entry: string): void {
  const [, channel, name = '', rest = ''] =
    /^(?:([\w./:-]+)::)?([A-Za-z0-9_.-]+?)(?:\s*([=<>!~\s[].*))?$/s.exec(entry.trim()) ?? [];
  const lower = name.toLowerCase();
  if (name === '' || entry.length > 500) throw new PythonFileError(`“${entry.slice(0, 80)}” is not a conda package`);
  const versions = condaVersions(rest.trim());
  if (versions === undefined) {
    found.unsupported.push({ text: entry, why: 'a version specification that only conda supports' });
  } else if (lower === 'python') {
    const exact = /^==([\d.]+?)(?:\.\*)?$/.exec(versions)?.[1];
    if (exact === undefined) found.leftOut.push(entry);
    else setVersion(found, exact);
  } else if (LEFT_OUT.test(lower)) {
    found.leftOut.push(entry);
  } else if (NOT_PYPI.test(lower) || channel === 'r') {
    found.unsupported.push({ text: entry, why: 'not a Python package: install it on the machine, or use an image' });
  } else {
    found.requirements.push(`${PYPI_NAMES[lower] ?? name}${versions}`);
  }
}

/** Converts `=1.2` (any 1.2.x) and `=1.2.3=build` (one build). Undefined: PyPI has no such form. */
function condaVersions(text: string): string | undefined {
  if (text === '') return '';
  const [, fuzzy, build] = /^=?\s*([0-9][\w.*+!]*)(?:[=\s]+(\S+))?$/.exec(text) ?? [];
  if (fuzzy !== undefined) {
    if (build !== undefined) return `==${fuzzy}`;
    return fuzzy.endsWith('*') ? `==${fuzzy.replace(/\.?\*$/, '.*')}` : `==${fuzzy}.*`;
  }
  const clauses = text.split(',').map((clause) => clause.replaceAll(/\s/g, ''));
  return clauses.every((clause) => /^(?:==|!=|<=|>=|~=|<|>)[0-9][\w.*+!]*$/.test(clause))
    ? clauses.join(',')
    : undefined;
}

function setVersion(found: Found, version: string): void {
  if (!VERSION.test(version))
    throw new PythonFileError(`“${version.slice(0, 40)}” is not a Python version such as 3.11.9`);
  found.version = version;
}

/** Without quotes, YAML reads 3.10 as the number 3.1; Python 3.10 is meant. */
function pythonText(value: unknown): string {
  const text = String(value);
  return text === '3.1' ? '3.10' : text;
}

function readMap(text: string): Readonly<Record<string, unknown>> {
  try {
    const [document] = readYamlDocuments(text, { documents: 1, depth: 10, formatPath: (path) => path.join('.') });
    if (isMap(document?.value)) return document.value;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const [issue] = error.issues;
    throw new PythonFileError(issue === undefined ? error.message : `line ${issue.line}: ${issue.message}`);
  }
  throw new PythonFileError('it is not a YAML map');
}

function texts(value: unknown, field: string): readonly string[] {
  if (Array.isArray(value) && value.every((one): one is string => typeof one === 'string')) return value;
  throw new PythonFileError(`\`${field}\` is not a list of strings`);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nothing(): Found {
  return { requirements: [], indexes: [], leftOut: [], unsupported: [] };
}
