/** Parses policies with cedar-wasm and validates them. Every error has a position. */
import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyJson } from '#policy/cedar/language/cedar-json.ts';
import type { CedarWasm } from '#policy/cedar/language/cedar-wasm.ts';
import type { Model } from '#policy/cedar/model.ts';

/** One policy of a text. */
export interface PolicyPart {
  /** Its `@id`. */
  readonly id: string;
  readonly json: PolicyJson;
  /** As written: its JSON form has lost the digits of large numbers. */
  readonly text: string;
}

/** Lines and columns of the text, from 1. */
export interface PolicyTextIssue {
  readonly message: string;
  readonly line: number;
  readonly column: number;
  /** The remedy, from Cedar. */
  readonly help?: string;
}

export type ReadPolicies =
  | { readonly ok: true; readonly parts: readonly PolicyPart[] }
  | { readonly ok: false; readonly problems: readonly PolicyTextIssue[] };

/** No `/`: that parts projects and kinds in the names of policies. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Only parses: for a text that was validated when it was written. */
export function parsePolicies(cedar: CedarWasm, text: string): ReadPolicies {
  const locate = locatorOf(text);
  const deep = tooDeep(text);
  if (deep !== undefined) return failed([{ message: deep.message, help: deep.help, ...locate(deep.offset) }]);
  const split = cedar.policySetTextToParts(text);
  if (split.type === 'failure') return failed(split.errors.map((error) => problemOf(error, locate, 0)));
  const [template] = split.policy_templates;
  if (template !== undefined) {
    const message = 'is a template with a slot; to grant a role, use a RoleBinding';
    return failed([{ message, ...locate(text.indexOf(template)) }]);
  }
  if (split.policies.length === 0) return failed([{ message: 'contains no policy', line: 1, column: 1 }]);
  const problems: PolicyTextIssue[] = [];
  const parts: PolicyPart[] = [];
  for (const { policy, at } of located(text, split.policies)) {
    const made = cedar.policyToJson(policy);
    if (made.type === 'failure') {
      problems.push(...made.errors.map((error) => problemOf(error, locate, at)));
      continue;
    }
    const json = made.json as PolicyJson;
    const id = json.annotations?.['id'];
    const refuse = (message: string, help?: string) =>
      problems.push({ message, ...locate(at), ...(help !== undefined && { help }) });
    if (id === undefined || id === null) refuse('has no `@id`', 'add @id("unique-name") before the policy');
    else if (!ID.test(id))
      refuse(`"${id.slice(0, 80)}" is not a valid id`, 'use at most 128 letters, digits and `._-`');
    else if (parts.some((part) => part.id === id)) refuse(`the @id "${id}" is used twice`);
    else parts.push({ id, json, text: policy });
  }
  return problems.length > 0 ? failed(problems) : { ok: true, parts };
}

/** Parses and validates. An accepted policy neither misspells a name nor, except for overflow, fails at evaluation. */
export function readPolicies(cedar: CedarWasm, model: Model, text: string): ReadPolicies {
  const parsed = parsePolicies(cedar, text);
  if (!parsed.ok) return parsed;
  const answer = cedar.validate({
    schema: model.schema,
    policies: { staticPolicies: text },
    validationSettings: { mode: 'strict' },
  });
  const locate = locatorOf(text);
  const errors = answer.type === 'failure' ? answer.errors : answer.validationErrors.map(({ error }) => error);
  // A warning about a misspelled name would only repeat the error.
  if (errors.length === 0 && answer.type === 'success') {
    errors.push(...answer.validationWarnings.filter(isMistake).map(({ error }) => error));
  }
  if (errors.length > 0) return failed(errors.map((error) => problemOf(error, locate, 0)));
  return parsed;
}

/** A policy that never applies can be intentional (`when { false }`); an unknown name is an error. */
function isMistake({ error }: { readonly error: DetailedError }): boolean {
  return !error.message.includes('policy is impossible');
}

function failed(problems: readonly PolicyTextIssue[]): ReadPolicies {
  return { ok: false, problems: problems.slice(0, 100) };
}

type LocateOffset = (offset: number, bytes?: number) => { readonly line: number; readonly column: number };

/** Places by characters, and by bytes that follow them: Cedar counts bytes, editors count characters. */
function locatorOf(text: string): LocateOffset {
  return (offset, bytes = 0) => {
    const from = Math.max(0, offset);
    const rest = bytes === 0 ? '' : Buffer.from(text.slice(from)).subarray(0, bytes).toString();
    const before = (text.slice(0, from) + rest).split('\n');
    return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  };
}

/** `at`: the offset of the parsed part. */
function problemOf(error: DetailedError, locate: LocateOffset, at: number): PolicyTextIssue {
  const start = error.sourceLocations?.[0]?.start ?? 0;
  const message = error.message
    .replace(/^for policy `[^`]*`, /, '')
    .replace(/^failed to parse policy[^:]*: /, '')
    .slice(0, 1000);
  const label = error.sourceLocations?.[0]?.label;
  const help = error.help ?? (label === null ? undefined : label);
  return { message, ...locate(at, start), ...(help !== undefined && { help: help.slice(0, 500) }) };
}

/** The offset of each part; equal parts follow each other. */
function located(text: string, policies: readonly string[]) {
  const from = new Map<string, number>();
  return policies
    .map((policy) => {
      const at = text.indexOf(policy, from.get(policy) ?? 0);
      from.set(policy, at + policy.length);
      return { policy, at };
    })
    .toSorted((a, b) => a.at - b.at);
}

/** Returns the position of an attribute access in a policy, or the start of the policy if it is not found. */
export function positionOf(text: string, id: string, what: string | undefined): { line: number; column: number } {
  const annotation = new RegExp(`@id\\s*\\(\\s*"${id.replaceAll('.', '\\.')}"\\s*\\)`).exec(text)?.index ?? 0;
  const end = text.indexOf(';', annotation);
  const at = what === undefined ? -1 : text.indexOf(what, annotation);
  return locatorOf(text)(at < 0 || (end >= 0 && at > end) ? annotation : at);
}

/**
 * Detects policies that are too deep for cedar-wasm: it parses recursively on its own stack and is unusable after an
 * overflow. Brackets 200 deep, 1,000 `if`s or 4,000 operators in one policy overflowed it; these limits are well below.
 */
const MOST_NESTED = 50;
const MOST_IFS = 50;
const MOST_OPERATORS = 500;

export interface TooDeep {
  readonly message: string;
  readonly help: string;
  /** Where in the text it becomes too much. */
  readonly offset: number;
}

/** Reads each character once. */
export function tooDeep(text: string): TooDeep | undefined {
  let [nested, ifs, operators] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') at = endOfString(text, at);
    else if (text.startsWith('//', at)) at = endOfLine(text, at);
    else if ('([{'.includes(character)) nested += 1;
    else if (')]}'.includes(character)) nested -= 1;
    else if (character === ';') [nested, ifs, operators] = [0, 0, 0];
    else if ('|&+-*.!<>='.includes(character)) operators += 1;
    else if (character === 'i' && /^if\b/.test(text.slice(at, at + 3)) && !/\w/.test(text.charAt(at - 1))) ifs += 1;
    const over =
      nested > MOST_NESTED
        ? `is nested deeper than ${MOST_NESTED} levels`
        : ifs > MOST_IFS
          ? `has more than ${MOST_IFS} \`if\`s`
          : operators > 2 * MOST_OPERATORS
            ? `has more than ${MOST_OPERATORS} operators`
            : undefined;
    if (over !== undefined) {
      return {
        message: `a policy ${over}`,
        help: 'use several policies, or a set: `["a", "b"].contains(…)`',
        offset: at,
      };
    }
  }
  return undefined;
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text.charAt(at) === '\\') at += 1;
    else if (text.charAt(at) === '"') return at;
  }
  return text.length;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
