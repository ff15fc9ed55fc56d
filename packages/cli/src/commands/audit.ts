import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DaisError } from '@dais/api';
import {
  forgetPersonOperation,
  holdAuditOperation,
  listAuditOperation,
  listOrganizationAuditOperation,
  proveAuditEntryOperation,
  readAuditKeyOperation,
  readAuditStatusOperation,
  type AuditEntry,
} from '@dais/api/audit';
import { fromBase64, rootOfInclusion, sameHash } from '@dais/api/tlog';
import { logKey, treeHasher } from '#audit/log-keys.ts';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { jsonText } from '#output/documents.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table, type Cell } from '#output/table.ts';

interface ListOptions {
  readonly organization?: true;
  readonly actor?: string;
  readonly type?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly outcome?: AuditEntry['outcome'];
  readonly request?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

export const list: Run<ListOptions> = async (context, _args, options) => {
  const { organization, limit, request, actor, type, kind, name, outcome, from, to } = options;
  const client = await context.connect();
  const filter = definedOnly({ actor, type, kind, name, outcome, requestId: request, from, to });
  const entries: AuditEntry[] = [];
  for (let cursor: string | undefined; entries.length < limit;) {
    const input = { ...filter, limit: Math.min(limit - entries.length, 1000), ...(cursor !== undefined && { cursor }) };
    const page: { items: readonly AuditEntry[]; nextCursor?: string | undefined } = await (organization === true
      ? client.perform(listOrganizationAuditOperation, input, { signal: context.signal })
      : client.perform(listAuditOperation, input, { signal: context.signal }));
    entries.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  if (await printedForPrograms(context, { items: entries })) return exitCodes.ok.code;
  if (entries.length === 0) remark(context, 'No matching entries.');
  else {
    const { style, columns } = context.terminal;
    const rows = entries.map((entry) => entryCells(entry, context.now()));
    context.terminal.out(table(['seq', 'age', 'type', 'subject', 'by', 'outcome', 'reason'], rows, { style, columns }));
  }
  return exitCodes.ok.code;
};

function entryCells(entry: AuditEntry, now: number): readonly Cell[] {
  const { seq, at, type, subject, actor, via, outcome, decision } = entry;
  const by = actor.type === 'system' ? 'dais' : actor.id;
  return [
    { text: String(seq) },
    { text: age(at, now) },
    { text: type },
    { text: subject === undefined ? '' : `${subject.kind} ${subject.name}` },
    { text: via === undefined ? by : `${by} (${via.method})` },
    { text: outcome, ...(outcome !== 'succeeded' && { paint: (style) => style.fail }) },
    { text: decision?.policies.join(' ') ?? '' },
  ];
}

function definedOnly<T extends Readonly<Record<string, unknown>>>(fields: T) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

export const status: Run = async (context) => {
  const client = await context.connect();
  const found = await client.perform(readAuditStatusOperation, {}, { signal: context.signal });
  if (await printedForPrograms(context, found)) return exitCodes.ok.code;
  const { size, root, origin, checkpoint, archived, hold, check } = found;
  const since = (time: string | undefined) => (time === undefined ? 'never' : `${age(time, context.now())} ago`);
  const { terminal } = context;
  const line = (name: string, text: string) => terminal.out(`${`${name}:`.padEnd(12)} ${text}\n`);
  line('entries', `${size}, of which ${archived} in archives`);
  line('root', root);
  line('signed for', origin);
  line(
    'checkpoint',
    checkpoint === undefined ? 'none yet' : `over ${checkpoint.size} entries, ${since(checkpoint.at)}`,
  );
  line(
    'checked',
    check.completeAt === undefined
      ? 'not yet'
      : `the first ${check.completeSize ?? 0} of ${size} entries, ${since(check.completeAt)}`,
  );
  if (hold !== undefined) line('legal hold', hold);
  for (const { message } of check.findings) terminal.out(`${terminal.style.fail('broken')}  ${message}\n`);
  return check.findings.length === 0 ? exitCodes.ok.code : exitCodes.failed.code;
};

export const key: Run = async (context) => {
  const client = await context.connect();
  const found = await client.perform(readAuditKeyOperation, {}, { signal: context.signal });
  if (!(await printedForPrograms(context, found))) context.terminal.out(`${found.verifierKey}\n`);
  return exitCodes.ok.code;
};

interface Proof {
  readonly seq: number;
  readonly body: string;
  readonly size: number;
  readonly path: readonly string[];
  readonly root: string;
  readonly checkpoint?: string;
}

export const proof: Run<{ readonly check?: string; readonly publicKey?: string }> = async (context, args, options) => {
  if (options.check !== undefined) {
    const text = await readFile(resolve(context.workingFolder, options.check), 'utf8');
    checkProof(JSON.parse(text) as Proof, options.publicKey);
    context.terminal.out(`${context.terminal.style.ok('verified')}  The signed log contains the entry.\n`);
    return exitCodes.ok.code;
  }
  const [seq = ''] = args;
  if (!/^\d{1,15}$/.test(seq))
    throw new DaisError('invalid_request', 'Give the number of an entry, or a proof with --check.');
  const client = await context.connect();
  const found = await client.perform(proveAuditEntryOperation, { seq: Number(seq) }, { signal: context.signal });
  context.terminal.out(jsonText(found));
  return exitCodes.ok.code;
};

/** @throws DaisError `digest_mismatch`, `invalid_request`. */
function checkProof({ seq, body, size, path, checkpoint }: Proof, publicKey: string | undefined): void {
  if (publicKey === undefined || checkpoint === undefined) {
    throw new DaisError('invalid_request', 'Checking a proof needs --public-key and a proof with a checkpoint.');
  }
  const signed = logKey(publicKey).open(checkpoint);
  if (signed === undefined) throw new DaisError('digest_mismatch', 'The checkpoint was not signed with this key.');
  const hashes = path.map((hash) => fromBase64(hash) ?? treeHasher.empty);
  const root = rootOfInclusion(treeHasher, { index: seq, size, leaf: treeHasher.leaf(body), path: hashes });
  if (root === undefined || signed.size !== size || !sameHash(root, signed.root)) {
    throw new DaisError('digest_mismatch', 'The signed log does not contain the entry.');
  }
}

export const forget: Run = async (context, [user = '']) => {
  const client = await context.connect();
  const done = await client.perform(forgetPersonOperation, { user }, { signal: context.signal });
  if (!(await printedForPrograms(context, done))) {
    context.terminal.out(`Audit entries about ${user} can no longer be read; the person stays as ${done.person}.\n`);
  }
  return exitCodes.ok.code;
};

export const hold: Run<{ readonly reason?: string; readonly end?: true }> = async (context, _args, { reason, end }) => {
  if ((reason === undefined) === (end === undefined)) {
    throw new DaisError('invalid_request', 'Give a reason for the hold, or --end to end it.');
  }
  const client = await context.connect();
  const done = await client.perform(holdAuditOperation, reason === undefined ? {} : { reason }, {
    signal: context.signal,
  });
  if (!(await printedForPrograms(context, done))) {
    context.terminal.out(done.hold === undefined ? 'The legal hold is ended.\n' : `Held: ${done.hold}\n`);
  }
  return exitCodes.ok.code;
};
