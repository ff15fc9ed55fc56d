import { type Operation } from '@dais/api';
import {
  acceptAgreedOperation,
  addGuidelineOperation,
  adjudicateOperation,
  createLabelSetOperation,
  deleteLabelSetOperation,
  exportLabelsOperation,
  importLabelsOperation,
  listAnnotationVersionsOperation,
  listGuidelinesOperation,
  listLabelSetsOperation,
  listLabelTasksOperation,
  publishLabelsOperation,
  readAgreementOperation,
  readLabelSetOperation,
  readPublicationOperation,
  reviewAnnotationOperation,
} from '@dais/api/data';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { readAgreement } from './agreement.ts';
import { importLabels } from './import-labels.ts';
import type { LabelsParts } from './labels-parts.ts';
import { publishLabels, readPublication } from './publish.ts';
import { acceptAgreed, adjudicate, review } from './reviews.ts';
import { requireSet } from './set-rows.ts';
import { addGuideline, createSet, deleteSet, listGuidelines, listSets, readSet } from './sets.ts';
import { exportLabels, listTasks, listVersions } from './tasks.ts';

export function labelsEntries(parts: LabelsParts): readonly OperationEntry[] {
  const entry = <Input>(
    operation: Operation,
    handle: (tx: Transaction, call: Call<Input>, parts: LabelsParts) => Promise<unknown>,
  ): OperationEntry => ({ operation, handle: (tx, call: Call<Input>) => handle(tx, call, parts) });
  const at = <Input>(
    operation: Operation,
    handle: (tx: Transaction, call: Call<Input>, now: number) => Promise<unknown>,
  ): OperationEntry => ({ operation, handle: (tx, call: Call<Input>) => handle(tx, call, parts.now()) });
  return [
    entry(createLabelSetOperation, createSet),
    entry(listLabelSetsOperation, listSets),
    entry(readLabelSetOperation, readSet),
    entry(deleteLabelSetOperation, deleteSet),
    at(addGuidelineOperation, addGuideline),
    entry(listGuidelinesOperation, listGuidelines),
    at(importLabelsOperation, importLabels),
    entry(exportLabelsOperation, exportLabels),
    entry(listLabelTasksOperation, listTasks),
    entry(listAnnotationVersionsOperation, listVersions),
    at(reviewAnnotationOperation, review),
    entry(adjudicateOperation, adjudicate),
    at(acceptAgreedOperation, acceptAgreed),
    entry(readAgreementOperation, readAgreement),
    at(publishLabelsOperation, publishLabels),
    {
      operation: readPublicationOperation,
      handle: async (tx, { input, tenant }: Call<{ readonly set: string; readonly publication: string }>) =>
        await readPublication(tx, await requireSet(tx.sql, tenant.id, input.set), input.publication),
    },
  ];
}
