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
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { readAgreement } from './agreement.ts';
import { importLabels } from './import-labels.ts';
import type { LabelsParts } from './labels-parts.ts';
import { publishLabels, readPublication } from './publish.ts';
import { acceptAgreed, adjudicate, review } from './reviews.ts';
import { requireSet } from './set-rows.ts';
import { addGuideline, createSet, deleteSet, listGuidelines, listSets, readSet } from './sets.ts';
import { exportLabels, listTasks, listVersions } from './tasks.ts';

export function labelsEntries(parts: LabelsParts): readonly OperationEntry[] {
  return [
    entry(createLabelSetOperation, (tx, call) => createSet(tx, call, parts)),
    entry(listLabelSetsOperation, listSets),
    entry(readLabelSetOperation, readSet),
    entry(deleteLabelSetOperation, deleteSet),
    entry(addGuidelineOperation, (tx, call) => addGuideline(tx, call, parts.now())),
    entry(listGuidelinesOperation, listGuidelines),
    entry(importLabelsOperation, (tx, call) => importLabels(tx, call, parts.now())),
    entry(exportLabelsOperation, (tx, call) => exportLabels(tx, call, parts)),
    entry(listLabelTasksOperation, (tx, call) => listTasks(tx, call, parts)),
    entry(listAnnotationVersionsOperation, listVersions),
    entry(reviewAnnotationOperation, (tx, call) => review(tx, call, parts.now())),
    entry(adjudicateOperation, (tx, call) => adjudicate(tx, call, parts)),
    entry(acceptAgreedOperation, (tx, call) => acceptAgreed(tx, call, parts.now())),
    entry(readAgreementOperation, readAgreement),
    entry(publishLabelsOperation, (tx, call) => publishLabels(tx, call, parts.now())),
    entry(
      readPublicationOperation,
      async (tx, { input, tenant }) =>
        await readPublication(tx, await requireSet(tx.sql, tenant.id, input.set), input.publication),
    ),
  ];
}
