/** Operations on scans and findings of model versions. */
import { DaisError, eventTypes } from '@dais/api';
import {
  listBlockedVersionsOperation,
  readModelScanOperation,
  reopenModelFindingOperation,
  startModelScanOperation,
  waiveModelFindingOperation,
  type ModelFinding,
  type ModelScan,
} from '@dais/api/serving';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { readVersion, versionKeyOf } from '#ledgers/registry/index.ts';
import type { SafetyDependencies } from './safety-dependencies.ts';
import { listBlockedVersions, findScan, lockFinding, presentFinding, presentScan, type ScanRow } from './scan-rows.ts';
import { enqueueScan } from './scan-job.ts';

interface VersionInput {
  readonly name: string;
  readonly version: string;
}

export function safetyEntries({ now }: SafetyDependencies): readonly OperationEntry[] {
  return [
    entry(readModelScanOperation, async (tx, { input }) => await readScan(tx, { input }, now())),
    entry(listBlockedVersionsOperation, listBlockedVersions),
    entry(startModelScanOperation, async (tx, { input }) => {
      await startScan(tx, input, now());
      return await readScan(tx, { input }, now());
    }),
    entry(waiveModelFindingOperation, async (tx, call) => await decide(tx, call, 'waived', now())),
    entry(reopenModelFindingOperation, async (tx, call) => await decide(tx, call, 'open', now())),
  ];
}

async function requireScan(tx: Transaction, { name, version }: VersionInput): Promise<ScanRow> {
  const key = await versionKeyOf(tx, name, Number(version));
  if (key === undefined) throw new DaisError('not_found', `There is no version ${name}/${version}.`);
  const scan = await findScan(tx.sql, key);
  if (scan !== undefined) return scan;
  throw notScanned({ name, version });
}

/** Returns the state of a version without a scan. The scan of a new version starts when its event is processed; until then it is waiting. */
const SOON_MS = 600_000;

async function readScan(tx: Transaction, { input }: { readonly input: VersionInput }, now: number): Promise<ModelScan> {
  const { name } = input;
  const version = Number(input.version);
  const key = await versionKeyOf(tx, name, version);
  const scan = key === undefined ? undefined : await findScan(tx.sql, key);
  if (scan !== undefined) return await presentScan(tx.sql, name, scan);
  const { type, createdAt } = await readVersion(tx.sql, tx.projectId, name, version);
  if (type === 'prompt' || now - createdAt > SOON_MS) throw notScanned(input);
  const nothing = { files: 0, bytes: 0, findings: [], requestedAt: createdAt };
  return { model: name, version, state: 'pending', result: 'pending', ...nothing };
}

function notScanned({ name, version }: VersionInput): DaisError {
  return new DaisError('not_found', `The files of ${name}/${version} have not been scanned yet. Start a scan.`);
}

async function startScan(tx: Transaction, { name, version }: VersionInput, now: number): Promise<void> {
  const number = Number(version);
  const { type } = await readVersion(tx.sql, tx.projectId, name, number);
  if (type === 'prompt') throw new DaisError('invalid_state', `${name} is a prompt: it has no files.`);
  const resource = await readResource(tx.sql, tx.projectId, 'Model', name);
  if (resource === undefined) throw new DaisError('not_found', `There is no model ${name}.`);
  await enqueueScan(tx, { name, version: number, model: resource.uid }, now);
}

async function decide(
  tx: Transaction,
  { input, context }: CallOf<typeof reopenModelFindingOperation | typeof waiveModelFindingOperation>,
  state: ModelFinding['state'],
  now: number,
): Promise<ModelFinding> {
  const scan = await requireScan(tx, input);
  const row = await lockFinding(tx.sql, scan.version_key, input.finding);
  if (row.state === state && state === 'open') {
    throw new DaisError('invalid_state', 'The finding is open. It has no waiver.');
  }
  const { type, id } = context.principal;
  await tx.sql.query(
    'update safety.finding set state = $2, reason = $3, decided_by = $4, decided_at = $5 where id = $1',
    state === 'open'
      ? [row.id, state, null, null, null]
      : [row.id, state, input.reason, JSON.stringify({ type, id }), now],
    'decide_model_finding',
  );
  const event = state === 'waived' ? eventTypes.modelFindingWaived : eventTypes.modelFindingReopened;
  const data = { version: scan.version, finding: row.id, rule: row.rule, reason: input.reason };
  const subject = { kind: 'Model', name: input.name, uid: scan.model };
  tx.emit({ type: event, projectId: tx.projectId, subject, data });
  return presentFinding(await lockFinding(tx.sql, scan.version_key, row.id));
}
