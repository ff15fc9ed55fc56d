/** Parses pipeline files: YAML, JSON, or one of them in an archive. */
import { isUtf8 } from 'node:buffer';
import { DaisError, schemaIssues, type Issue } from '@dais/api';
import { z } from 'zod';
import { isGzip, isZip, LARGEST_FILE, pipelineIn } from './archive.ts';
import { irIssues } from './check.ts';
import { pipelineSpec, platformSpec, type PipelineSpec, type PlatformSpec } from './messages.ts';
import { readYaml } from './yaml-text.ts';

/** The stored, normalized document. */
export interface PipelineDocument {
  readonly pipeline_spec: unknown;
  readonly platform_spec?: unknown;
}

/** The validated content. */
export interface Ir {
  readonly spec: PipelineSpec;
  readonly platform: PlatformSpec | undefined;
  readonly warnings: readonly string[];
}

const MOST_ISSUES = 100;
const MOST_WARNINGS = 20;
const MOST_VALUES = 1_000_000;
const DEEPEST = 200;

/** @throws DaisError `invalid_request` with all errors and their paths, `too_large`, `unsafe_path`. */
export function readPipelineFile(bytes: Buffer): PipelineDocument {
  if (bytes.length > LARGEST_FILE) {
    throw new DaisError(
      'too_large',
      `The file has ${bytes.length} bytes, and the limit for a pipeline is ${LARGEST_FILE}.`,
    );
  }
  const plain = isZip(bytes) || isGzip(bytes) ? pipelineIn(bytes) : bytes;
  if (!isUtf8(plain) || plain.includes(0)) {
    throw new DaisError(
      'invalid_request',
      'The file is not text. Send the YAML file that `kfp` compiled, or a zip or tar.gz of it.',
    );
  }
  const text = plain.toString('utf8').replace(/^\uFEFF/, '');
  const document = documentOf(jsonIn(text) ?? readYaml(text, 'The pipeline'));
  readIr(document);
  return document;
}

function jsonIn(text: string): readonly unknown[] | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return [JSON.parse(text)];
  } catch {
    // YAML that starts with a brace.
    return undefined;
  }
}

/** Finds the pipeline and the platform among the documents; a wrapper contains both. @throws DaisError `invalid_request` */
function documentOf(parts: readonly unknown[]): PipelineDocument {
  const specs: unknown[] = [];
  const platforms: unknown[] = [];
  for (const part of parts) {
    const fields = part as Readonly<Record<string, unknown>>;
    const has = (...names: readonly string[]) =>
      typeof part === 'object' && part !== null && names.some((name) => Object.hasOwn(part, name));
    const inner = fields?.['kind'] === 'PipelineVersion' ? (fields['spec'] as typeof fields) : fields;
    if (has('pipelineInfo', 'pipeline_info', 'schemaVersion', 'root')) specs.push(part);
    else if (has('platforms')) platforms.push(part);
    else if (has('pipeline_spec', 'pipelineSpec') || inner !== fields) {
      specs.push(inner['pipeline_spec'] ?? inner['pipelineSpec']);
      const platform = inner['platform_spec'] ?? inner['platformSpec'];
      if (platform !== undefined && platform !== null) platforms.push(platform);
    } else {
      throw new DaisError(
        'invalid_request',
        'The file contains a document that is neither a pipeline (`pipelineInfo`) nor a platform (`platforms`).',
      );
    }
  }
  if (specs.length === 1 && platforms.length <= 1) {
    return { pipeline_spec: specs[0], ...(platforms.length === 1 && { platform_spec: platforms[0] }) };
  }
  const what =
    specs.length === 0
      ? 'contains no pipeline: `pipelineInfo` is missing'
      : `contains ${specs.length} pipelines and ${platforms.length} platforms; it may contain one of each`;
  throw new DaisError('invalid_request', `The file ${what}.`);
}

/** Limits depth and size, because YAML aliases can expand a small text to a huge tree. @throws DaisError `invalid_request` */
function refuseHuge(document: PipelineDocument): void {
  let values = 0;
  const count = (value: unknown, depth: number): void => {
    values += 1;
    if (depth > DEEPEST || values > MOST_VALUES) {
      const limit =
        depth > DEEPEST ? `is nested more than ${DEEPEST} levels deep` : `expands to more than ${MOST_VALUES} values`;
      throw new DaisError('invalid_request', `The pipeline ${limit}.`);
    }
    if (typeof value !== 'object' || value === null) return;
    for (const one of Object.values(value)) count(one, depth + 1);
  };
  count(document, 0);
}

/** @throws DaisError `invalid_request` with all errors and their paths. */
export function readIr(document: PipelineDocument): Ir {
  refuseHuge(document);
  const unknown: string[] = [];
  const spec = pipelineSpec.safeParse(normalKeys(pipelineSpec, document.pipeline_spec, '', unknown));
  const given = document.platform_spec;
  const platform =
    given === undefined ? undefined : platformSpec.safeParse(normalKeys(platformSpec, given, '', unknown));
  const issues: Issue[] = [
    ...(spec.success ? irIssues(spec.data) : schemaIssues(spec.error, pipelineSpec, document.pipeline_spec)),
    ...(platform === undefined || platform.success ? [] : schemaIssues(platform.error, platformSpec, given)),
  ];
  if (issues.length > 0 || !spec.success) {
    const [first] = issues;
    const more = issues.length > 1 ? ` and ${issues.length - 1} more problems` : '';
    throw new DaisError('invalid_request', `The pipeline is not valid: ${first?.path}: ${first?.message}${more}.`, {
      issues: issues.slice(0, MOST_ISSUES),
    });
  }
  const left = unknown.length - MOST_WARNINGS;
  const warnings = unknown.slice(0, MOST_WARNINGS).map((path) => `${path} is an unknown field and is ignored`);
  return {
    spec: spec.data,
    platform: platform?.data,
    warnings: left > 0 ? [...warnings, `${left} more unknown field${left === 1 ? ' is' : 's are'} ignored`] : warnings,
  };
}

function normalKeys(schema: z.ZodType, value: unknown, path: string, unknown: string[]): unknown {
  if (schema instanceof z.ZodOptional) return normalKeys(schema.unwrap() as z.ZodType, value, path, unknown);
  if (Array.isArray(value)) {
    if (!(schema instanceof z.ZodArray)) return value;
    return value.map((one, index) => normalKeys(schema.element as z.ZodType, one, `${path}[${index}]`, unknown));
  }
  if (typeof value !== 'object' || value === null) return value;
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  if (schema instanceof z.ZodRecord) {
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        key,
        normalKeys(schema.valueType as z.ZodType, one, at(key), unknown),
      ]),
    );
  }
  if (!(schema instanceof z.ZodObject)) return value;
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
  const fields: [string, unknown][] = [];
  for (const [key, one] of Object.entries(value)) {
    const field = Object.hasOwn(shape, key) ? key : camelCase(key);
    const inner = Object.hasOwn(shape, field) ? shape[field] : undefined;
    if (inner === undefined) unknown.push(at(key));
    // In protobuf JSON, null is an unset field.
    else if (one !== null) fields.push([field, normalKeys(inner, one, at(field), unknown)]);
  }
  return Object.fromEntries(fields);
}

function camelCase(key: string): string {
  return key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
