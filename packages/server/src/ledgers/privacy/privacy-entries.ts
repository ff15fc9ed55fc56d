import { DaisError } from '@dais/api';
import {
  checkUnmaskOperation,
  destroyPseudonymKeyOperation,
  listAllFindingsOperation,
  listFindingsOperation,
  listMasksOperation,
  listPseudonymKeysOperation,
  readScanOperation,
  reopenFindingOperation,
  resolveFindingOperation,
  rotatePseudonymKeyOperation,
  startScanOperation,
  waiveFindingOperation,
  type DataScan,
  type DatasetVersion,
} from '@dais/api/data';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { listAllFindings, listFindings, reopenFinding, resolveFinding, waiveFinding } from './findings.ts';
import { destroyKey, listKeys, rotateKey } from './key-operations.ts';
import { columnMasks } from './masked-columns.ts';
import type { PrivacyDependencies } from './privacy-dependencies.ts';
import { readScan } from './record-scan.ts';
import { enqueueScan, requireScannable } from './scan-job.ts';

interface VersionInput {
  readonly name: string;
  readonly version: string;
}

export function privacyEntries(dependencies: PrivacyDependencies): readonly OperationEntry[] {
  const { now, keys, versions } = dependencies;
  const masks = async (
    tx: Transaction,
    { input }: CallOf<typeof listMasksOperation | typeof checkUnmaskOperation>,
  ) => ({
    items: await columnMasks(tx, input.name, now()),
  });
  const ofVersion = async (tx: Transaction, { name, version }: VersionInput) =>
    await versions.resolveVersion(tx, `${name}@${version}`);
  return [
    entry(listFindingsOperation, (tx, call) => listFindings(tx, call, now())),
    entry(listAllFindingsOperation, (tx, call) => listAllFindings(tx, call, now())),
    entry(resolveFindingOperation, (tx, call) => resolveFinding(tx, call, now())),
    entry(waiveFindingOperation, (tx, call) => waiveFinding(tx, call, now())),
    entry(reopenFindingOperation, (tx, call) => reopenFinding(tx, call, now())),
    entry(startScanOperation, async (tx, { input }) => {
      const version = await ofVersion(tx, input);
      requireScannable(version);
      await enqueueScan(tx, version, now());
      return await requireScan(tx, version);
    }),
    entry(readScanOperation, async (tx, { input }) => await requireScan(tx, await ofVersion(tx, input))),
    entry(listMasksOperation, masks),
    entry(checkUnmaskOperation, masks),
    entry(listPseudonymKeysOperation, listKeys),
    entry(rotatePseudonymKeyOperation, async (tx, call) => await rotateKey(tx, call, keys)),
    entry(destroyPseudonymKeyOperation, (tx, call) => destroyKey(tx, call, now())),
  ];
}

async function requireScan(tx: Transaction, { id, dataset, number }: DatasetVersion): Promise<DataScan> {
  const scan = await readScan(tx, id, dataset);
  if (scan !== undefined) return scan;
  throw new DaisError('not_found', `${dataset}@${number} has not been scanned for personal data yet. Start a scan.`);
}
