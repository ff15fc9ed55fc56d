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
import type { LabelsDependencies } from './labels-dependencies.ts';
import { publishLabels, readPublication } from './publish.ts';
import { acceptAgreed, adjudicate, review } from './reviews.ts';
import { requireSet } from './set-rows.ts';
import { addGuideline, createSet, deleteSet, listGuidelines, listSets, readSet } from './sets.ts';
import { exportLabels, listTasks, listVersions } from './tasks.ts';

export function labelsEntries(dependencies: LabelsDependencies): readonly OperationEntry[] {
  return [
    entry(createLabelSetOperation, (tx, call) => createSet(tx, call, dependencies)),
    entry(listLabelSetsOperation, listSets),
    entry(readLabelSetOperation, readSet),
    entry(deleteLabelSetOperation, deleteSet),
    entry(addGuidelineOperation, (tx, call) => addGuideline(tx, call, dependencies.now())),
    entry(listGuidelinesOperation, listGuidelines),
    entry(importLabelsOperation, (tx, call) => importLabels(tx, call, dependencies.now())),
    entry(exportLabelsOperation, (tx, call) => exportLabels(tx, call, dependencies)),
    entry(listLabelTasksOperation, (tx, call) => listTasks(tx, call, dependencies)),
    entry(listAnnotationVersionsOperation, listVersions),
    entry(reviewAnnotationOperation, (tx, call) => review(tx, call, dependencies.now())),
    entry(adjudicateOperation, (tx, call) => adjudicate(tx, call, dependencies)),
    entry(acceptAgreedOperation, (tx, call) => acceptAgreed(tx, call, dependencies.now())),
    entry(readAgreementOperation, readAgreement),
    entry(publishLabelsOperation, (tx, call) => publishLabels(tx, call, dependencies.now())),
    entry(
      readPublicationOperation,
      async (tx, { input, tenant }) =>
        await readPublication(tx, await requireSet(tx.sql, tenant.id, input.set), input.publication),
    ),
  ];
}
