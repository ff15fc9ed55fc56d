/**
 * Parses YAML as PyYAML does, because it writes most pipeline files. PyYAML writes the text `1e3` without quotes, since it
 * does not treat it as a number. A YAML 1.2 parser does, and `12e5`, the start of a commit id, would become 1200000.
 */
import { DaisError } from '@dais/api';
import { FAILSAFE_SCHEMA, loadAll, Type, YAMLException } from 'js-yaml';

const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER =
  /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
const FLOAT =
  /^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

function scalar(name: string, fits: (text: string) => boolean, construct: (text: string) => unknown): Type {
  // `resolve` is called with null for missing values.
  return new Type(`tag:yaml.org,2002:${name}`, {
    kind: 'scalar',
    resolve: (text: unknown) => fits(typeof text === 'string' ? text : ''),
    construct: (text: unknown) => construct(typeof text === 'string' ? text : ''),
  });
}

const SCHEMA = FAILSAFE_SCHEMA.extend({
  implicit: [
    scalar(
      'null',
      (text) => NULL.test(text),
      () => null,
    ),
    scalar(
      'bool',
      (text) => TRUE.test(text) || FALSE.test(text),
      (text) => TRUE.test(text),
    ),
    scalar('int', (text) => INTEGER.test(text), integerOf),
    scalar('float', (text) => FLOAT.test(text), floatOf),
    new Type('tag:yaml.org,2002:merge', { kind: 'scalar', resolve: (text: unknown) => text === '<<' }),
  ],
});

/** Returns all documents that are not empty. @throws DaisError `invalid_request` */
export function readYaml(text: string, what: string): readonly unknown[] {
  try {
    const documents: unknown[] = [];
    loadAll(
      text,
      (document) => {
        if (document !== null && document !== undefined) documents.push(document);
      },
      { schema: SCHEMA },
    );
    return documents;
  } catch (error) {
    throw new DaisError('invalid_request', `${what} is not valid YAML: ${reasonOf(error)}.`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof YAMLException) {
    const { reason, mark } = error;
    return mark === undefined ? reason : `${reason} at line ${mark.line + 1}, column ${mark.column + 1}`;
  }
  // The parser is recursive: a text of many `[` overflows the stack.
  return error instanceof RangeError ? 'it is nested too deeply' : 'it cannot be parsed';
}

function integerOf(text: string): number {
  const clean = text.replaceAll('_', '');
  const sign = clean.startsWith('-') ? -1 : 1;
  const digits = clean.replace(/^[-+]/, '');
  if (digits.startsWith('0b') || digits.startsWith('0x')) return sign * Number(digits);
  if (digits.includes(':')) return sign * sexagesimal(digits);
  if (digits.length > 1 && digits.startsWith('0')) return sign * Number.parseInt(digits, 8);
  return digits === '0' ? 0 : sign * Number(digits);
}

function floatOf(text: string): number {
  const clean = text.replaceAll('_', '').toLowerCase();
  const sign = clean.startsWith('-') ? -1 : 1;
  const digits = clean.replace(/^[-+]/, '');
  if (digits === '.inf') return sign * Infinity;
  if (digits === '.nan') return Number.NaN;
  return sign * (digits.includes(':') ? sexagesimal(digits) : Number(digits));
}

function sexagesimal(text: string): number {
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
