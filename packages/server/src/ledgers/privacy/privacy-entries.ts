import { DaisError, type Operation } from '@dais/api';
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
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { listAllFindings, listFindings, reopenFinding, resolveFinding, waiveFinding } from './findings.ts';
import { destroyKey, listKeys, rotateKey } from './key-operations.ts';
import { columnMasks } from './masked-columns.ts';
import type { PrivacyParts } from './privacy-parts.ts';
import { readScan } from './record-scan.ts';
import { enqueueScan, requireScannable } from './scan-job.ts';

interface VersionInput {
  readonly name: string;
  readonly version: string;
}

export function privacyEntries(parts: PrivacyParts): readonly OperationEntry[] {
  const { now, keys, versions } = parts;
  const at = <Input>(
    operation: Operation,
    handle: (tx: Transaction, call: Call<Input>, now: number) => Promise<unknown>,
  ): OperationEntry => ({ operation, handle: (tx, call: Call<Input>) => handle(tx, call, now()) });
  const masks = async (tx: Transaction, { input }: Call<{ readonly name: string }>) => ({
    items: await columnMasks(tx, input.name, now()),
  });
  const ofVersion = async (tx: Transaction, { name, version }: VersionInput) =>
    await versions.resolveVersion(tx, `${name}@${version}`);
  return [
    at(listFindingsOperation, listFindings),
    at(listAllFindingsOperation, listAllFindings),
    at(resolveFindingOperation, resolveFinding),
    at(waiveFindingOperation, waiveFinding),
    at(reopenFindingOperation, reopenFinding),
    {
      operation: startScanOperation,
      handle: async (tx, { input }: Call<VersionInput>) => {
        const version = await ofVersion(tx, input);
        requireScannable(version);
        await enqueueScan(tx, version, now());
        return await requireScan(tx, version);
      },
    },
    {
      operation: readScanOperation,
      handle: async (tx, { input }: Call<VersionInput>) => await requireScan(tx, await ofVersion(tx, input)),
    },
    { operation: listMasksOperation, handle: masks },
    { operation: checkUnmaskOperation, handle: masks },
    { operation: listPseudonymKeysOperation, handle: listKeys },
    {
      operation: rotatePseudonymKeyOperation,
      handle: async (tx, call: Call<{ readonly dataset?: string }>) => await rotateKey(tx, call, keys),
    },
    at(destroyPseudonymKeyOperation, destroyKey),
  ];
}

async function requireScan(tx: Transaction, { id, dataset, number }: DatasetVersion): Promise<DataScan> {
  const scan = await readScan(tx, id, dataset);
  if (scan !== undefined) return scan;
  throw new DaisError('not_found', `${dataset}@${number} was not scanned for personal data. Start a scan.`);
}
