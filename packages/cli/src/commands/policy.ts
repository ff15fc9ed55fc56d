import { DaisError } from '@dais/api';
import {
  organizationPolicyKind,
  policyKind,
  simulatePolicyOperation,
  testPolicyOperation,
  whyOperation,
  type PolicyReason,
} from '@dais/api/access';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { readManifestFiles, type ManifestFile } from '#manifests/manifest-files.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

async function readFiles(context: Context, given: readonly string[], recursive: boolean): Promise<ManifestFile[]> {
  const { workingFolder, readStdin } = context;
  const files = await readManifestFiles(given, { workingFolder, recursive, readStdin });
  for (const file of files) context.sentTexts.set(file.name, file.text);
  return files;
}

export const testFiles: Run<{ readonly recursive?: true }> = async (context, args, { recursive }) => {
  const client = await context.connect();
  const cases = [];
  for (const { name, text } of await readFiles(context, args, recursive === true)) {
    const tested = await client.perform(testPolicyOperation, { file: name, text }, { signal: context.signal });
    cases.push(...tested.cases.map((one) => ({ file: name, ...one })));
  }
  const failed = cases.filter((one) => !one.passed);
  const code = failed.length === 0 ? exitCodes.ok.code : exitCodes.failed.code;
  if (await printedForPrograms(context, { passed: cases.length - failed.length, failed: failed.length, cases }))
    return code;
  const { terminal } = context;
  const { style } = terminal;
  for (const { passed, policy, name, expected, actual, reasons } of cases) {
    const by = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`;
    const outcome = passed ? '' : `: expected ${expected}, got ${actual}${by}`;
    terminal.out(`${passed ? style.ok('passed') : style.fail('failed')}  ${policy}  ${name}${outcome}\n`);
  }
  remark(context, `${cases.length - failed.length} passed, ${failed.length} failed.`);
  return code;
};

export const why: Run = async (context, args) => {
  const [principal = '', action = '', resource] = args;
  const client = await context.connect();
  const answer = await client.perform(
    whyOperation,
    { action, ...(principal !== 'me' && { principal }), ...(resource !== undefined && { resource }) },
    { signal: context.signal },
  );
  if (await printedForPrograms(context, answer)) return exitCodes.ok.code;
  const { terminal } = context;
  const decision = { allow: 'may', deny: 'may not', conditional: 'may, for some resources,' }[answer.decision];
  terminal.out(`${answer.principal} ${decision} ${answer.action} ${answer.resource}\n`);
  for (const reason of answer.reasons) terminal.out(`  ${reasonText(reason)}\n`);
  for (const suggestion of answer.suggestions) terminal.out(`What would allow it: ${suggestion}\n`);
  return exitCodes.ok.code;
};

function reasonText({ id, effect, message }: PolicyReason): string {
  return `${effect}  ${id}${message === undefined ? '' : `  ${message}`}`;
}

interface SimulateOptions {
  readonly remove?: readonly string[];
  readonly decisions: number;
}

export const simulate: Run<SimulateOptions> = async (context, args, { remove = [], decisions }) => {
  const files = args.length === 0 ? [] : await readFiles(context, args, false);
  const candidates = [...(await candidatesIn(files)), ...remove.map(removal)];
  if (candidates.length === 0) {
    throw new DaisError('invalid_request', 'Give files with policies, or policies to --remove.');
  }
  const client = await context.connect();
  const result = await client.perform(simulatePolicyOperation, { candidates, decisions }, { signal: context.signal });
  const code = result.changes.length === 0 ? exitCodes.ok.code : exitCodes.changes.code;
  if (await printedForPrograms(context, result)) return code;
  const now = context.now();
  const rows = result.changes.map(({ at, principal, action, resource, before, after, reasons }) => [
    { text: age(at, now) },
    { text: principal },
    { text: action },
    { text: resource },
    { text: `${before} → ${after}` },
    { text: reasons.map(({ id }) => id).join(', ') },
  ]);
  const { style, columns } = context.terminal;
  if (rows.length > 0) {
    context.terminal.out(
      table(['age', 'principal', 'action', 'resource', 'change', 'policy'], rows, { style, columns }),
    );
  }
  const skipped = result.skipped === 0 ? '' : `; ${result.skipped} could not be evaluated`;
  remark(context, `${rows.length} of ${result.examined} decisions would change${skipped}.`);
  return code;
};

type Candidate = { kind: 'Policy' | 'OrganizationPolicy'; name: string; cedar?: string };

async function candidatesIn(files: readonly ManifestFile[]): Promise<Candidate[]> {
  const { parseAllDocuments } = await import('yaml');
  return files.flatMap(({ name: file, text }) =>
    [...parseAllDocuments(text)].flatMap((document): Candidate[] => {
      if (document.errors.length > 0) {
        throw new DaisError('unreadable_body', `${file}: ${document.errors[0]?.message.split('\n')[0]}`);
      }
      const { kind, metadata, spec } = (document.toJS({ maxAliasCount: 0 }) ?? {}) as {
        kind?: string;
        metadata?: { name?: string };
        spec?: { cedar?: string };
      };
      if (!isPolicyKind(kind) || metadata?.name === undefined || spec?.cedar === undefined) return [];
      return [{ kind, name: metadata.name, cedar: spec.cedar }];
    }),
  );
}

function isPolicyKind(kind: string | undefined): kind is Candidate['kind'] {
  return kind === policyKind.kind || kind === organizationPolicyKind.kind;
}

function removal(text: string): Candidate {
  const [kind, name, more] = text.split('/');
  if (isPolicyKind(kind) && name !== undefined && name !== '' && more === undefined) return { kind, name };
  throw new DaisError('invalid_request', `--remove ${text} is not Policy/NAME or OrganizationPolicy/NAME.`);
}
