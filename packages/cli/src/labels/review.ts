/** `dais labels tasks`, `review`, `accept-agreed` and `agreement`. */
import { countNoun, DaisError } from '@dais/api';
import {
  acceptAgreedOperation,
  adjudicateOperation,
  listLabelTasksOperation,
  readAgreementOperation,
  reviewAnnotationOperation,
  type LabelTask,
} from '@dais/api/data';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

interface TaskOptions {
  readonly state?: LabelTask['state'];
  readonly disagreed?: true;
  readonly limit: number;
}

export const listTasks: Run<TaskOptions> = async (context, [set = ''], { state, disagreed, limit }) => {
  const client = await context.connect();
  const items: LabelTask[] = [];
  for (let cursor: string | undefined; items.length < limit;) {
    const page = await client.perform(listLabelTasksOperation, {
      set,
      limit: Math.min(limit - items.length, 200),
      ...(state !== undefined && { state }),
      ...(disagreed === true && { disagreed: 'true' as const }),
      ...(cursor !== undefined && { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  const { terminal } = context;
  if (items.length === 0) remark(context, `${set} has no such task.`);
  else {
    const rows = items.flatMap((task) =>
      (task.annotations.length === 0 ? [undefined] : task.annotations).map((one, at) => [
        { text: at === 0 ? String(task.number) : '' },
        { text: at === 0 ? task.state : '' },
        { text: one?.label.join(' + ') ?? '' },
        { text: one === undefined ? '' : one.canceled ? 'skipped' : (one.reviews.at(-1)?.decision ?? 'waits') },
        { text: one?.annotator ?? '' },
        { text: one === undefined || one.guideline === 0 ? '' : String(one.guideline) },
        { text: one?.id ?? '' },
      ]),
    );
    const heads = ['task', 'state', 'label', 'review', 'annotator', 'guideline', 'annotation'];
    terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};

interface ReviewOptions {
  readonly accept?: true;
  readonly reject?: true;
  readonly settle?: true;
  readonly reason?: string;
}

export const review: Run<ReviewOptions> = async (
  context,
  [set = '', annotation = ''],
  { accept, reject, settle, reason = '' },
) => {
  if ([accept, reject, settle].filter((one) => one === true).length !== 1) {
    throw new DaisError('invalid_request', 'Give one of --accept, --reject and --settle.');
  }
  const client = await context.connect();
  if (settle === true) {
    const task = await client.perform(adjudicateOperation, { set, annotation, reason });
    if (!(await printedForPrograms(context, task))) context.terminal.out(`Task ${task.number} is resolved.\n`);
    return exitCodes.ok.code;
  }
  const decision = accept === true ? 'accepted' : 'rejected';
  const result = await client.perform(reviewAnnotationOperation, { set, annotation, decision, reason });
  if (!(await printedForPrograms(context, result))) {
    context.terminal.out(`${result.label.join(' + ')} by ${result.annotator} is ${decision}.\n`);
  }
  return exitCodes.ok.code;
};

export const acceptAgreed: Run<{ readonly atLeast: number; readonly reason?: string }> = async (
  context,
  [set = ''],
  { atLeast, reason = '' },
) => {
  const client = await context.connect();
  const result = await client.perform(acceptAgreedOperation, { set, atLeast, reason });
  if (!(await printedForPrograms(context, result))) {
    context.terminal.out(`${countNoun(result.accepted, 'task')} accepted, ${result.left} waiting for review.\n`);
  }
  return exitCodes.ok.code;
};

export const agreement: Run<{ readonly guideline?: number }> = async (context, [set = ''], { guideline }) => {
  const client = await context.connect();
  const result = await client.perform(readAgreementOperation, {
    set,
    ...(guideline !== undefined && { guideline: String(guideline) }),
  });
  if (await printedForPrograms(context, result)) return exitCodes.ok.code;
  const { terminal } = context;
  const number = (value: number | undefined) => (value === undefined ? 'not available' : value.toFixed(3));
  const style = { style: terminal.style, columns: terminal.columns };
  terminal.out(
    table(
      ['measure', 'value'],
      [
        [{ text: 'tasks with at least two labels' }, { text: String(result.units) }],
        [{ text: 'annotators' }, { text: String(result.annotators) }],
        [{ text: `Krippendorff’s α, ${result.level}` }, { text: number(result.alpha) }],
        [{ text: 'Fleiss’ κ' }, { text: number(result.fleiss) }],
        [{ text: 'pairwise agreement (not chance-corrected)' }, { text: number(result.agreed) }],
      ],
      style,
    ),
  );
  if (result.byLabel.length > 0) {
    const rows = result.byLabel.map((one) => [
      { text: one.label },
      { text: String(one.count) },
      { text: number(one.alpha) },
    ]);
    terminal.out(`\n${table(['label', 'count', 'α'], rows, style)}`);
  }
  if (result.byPair.length > 0) {
    const rows = result.byPair.map((one) => [
      { text: one.annotators.join(' and ') },
      { text: String(one.units) },
      { text: number(one.kappa) },
    ]);
    terminal.out(`\n${table(['annotators', 'tasks', 'κ'], rows, style)}`);
  }
  return exitCodes.ok.code;
};
