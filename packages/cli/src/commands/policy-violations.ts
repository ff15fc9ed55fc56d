/** `dais policy violations` and `dais policy audited`. */
import type { DaisClient } from '@dais/api';
import {
  evaluatePoliciesOperation,
  listAuditedRefusalsOperation,
  listViolationsOperation,
  type AuditedRefusal,
  type PolicyViolation,
} from '@dais/api/access';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { printable } from '#output/width.ts';

const PAGE = 500;

interface ListOptions {
  readonly policy?: string | undefined;
  readonly limit: number;
}

export const violations: Run<ListOptions & { readonly evaluate?: true }> = async (
  context,
  _args,
  { policy, limit, evaluate },
) => {
  const client = await context.connect();
  const complete = evaluate === true ? await evaluateNow(client, context.signal) : true;
  const found = await readViolations(client, { policy, limit }, context.signal);
  if (await printedForPrograms(context, found)) return exitCodes.ok.code;
  const { items, evaluatedAt, notEvaluated, more } = found;
  if (items.length > 0) show(context, items);
  for (const one of notEvaluated) {
    remark(context, `Policy "${one.policy}" is evaluated for requests only: ${one.reason}`);
  }
  if (!complete)
    remark(
      context,
      'The project is too large to evaluate in one request; the server evaluates the rest within an hour.',
    );
  if (more) remark(context, `Showing the first ${items.length}; see more with --limit.`);
  const when =
    evaluatedAt === undefined
      ? 'The project was not evaluated yet. Run again with --evaluate.'
      : `Evaluated ${age(evaluatedAt, context.now())} ago.`;
  remark(context, items.length === 0 ? `Nothing in production violates a policy. ${when}` : when);
  return exitCodes.ok.code;
};

async function evaluateNow(client: DaisClient, signal: AbortSignal): Promise<boolean> {
  return (await client.perform(evaluatePoliciesOperation, {}, { signal })).complete;
}

async function readViolations(client: DaisClient, { policy, limit }: ListOptions, signal: AbortSignal) {
  const items: PolicyViolation[] = [];
  for (let cursor: string | undefined; ;) {
    const input = { limit: Math.min(limit - items.length, PAGE), ...(policy !== undefined && { policy }) };
    const page = await client.perform(
      listViolationsOperation,
      { ...input, ...(cursor !== undefined && { cursor }) },
      { signal },
    );
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor !== undefined && items.length < limit) continue;
    const { evaluatedAt, notEvaluated } = page;
    return { items, ...(evaluatedAt !== undefined && { evaluatedAt }), notEvaluated, more: cursor !== undefined };
  }
}

function show({ terminal, now }: Context, items: readonly PolicyViolation[]): void {
  const { style, columns } = terminal;
  const rows = items.map((one) => [
    { text: resourceText(one) },
    { text: one.policy },
    { text: one.mode },
    { text: one.result, paint: () => (one.result === 'violated' ? style.fail : style.warn) },
    { text: age(one.since, now()) },
  ]);
  terminal.out(table(['resource', 'policy', 'mode', 'result', 'age'], rows, { style, columns }));
  for (const one of items) {
    terminal.out(`\n${printable(`${resourceText(one)}, policy ${one.policy}: ${one.reason}`)}\n`);
    terminal.out(`  ${printable(pathText(one))}\n`);
  }
}

function resourceText({ kind, name, alias, version }: PolicyViolation): string {
  return alias === undefined ? `${kind} ${name}` : `${kind} ${name}@${alias} (version ${version ?? '?'})`;
}

/** `endpoint late → model-version late/3 → run train → dataset-version trips@2 → open finding …` */
function pathText({ path }: PolicyViolation): string {
  return path.map(({ type, name }) => (type === 'cause' ? name : `${type} ${name}`)).join(' → ');
}

export const audited: Run<ListOptions> = async (context, _args, { policy, limit }) => {
  const client = await context.connect();
  const items: AuditedRefusal[] = [];
  for (let cursor: string | undefined; items.length < limit;) {
    const input = {
      limit: Math.min(limit - items.length, PAGE),
      ...(policy !== undefined && { policy }),
      ...(cursor !== undefined && { cursor }),
    };
    const page = await client.perform(listAuditedRefusalsOperation, input, { signal: context.signal });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  if (items.length === 0) {
    remark(context, 'Policies in audit mode would have denied no requests.');
    return exitCodes.ok.code;
  }
  const rows = items.map((one) => [
    { text: age(one.lastAt, context.now()) },
    { text: one.policy },
    { text: one.action },
    { text: `${one.kind}${one.name === '' ? '' : `/${one.name}`}` },
    { text: one.principal },
    { text: String(one.count) },
    { text: one.reason },
  ]);
  const { style, columns } = context.terminal;
  context.terminal.out(
    table(['age', 'policy', 'action', 'resource', 'last requested by', 'count', 'reason'], rows, { style, columns }),
  );
  return exitCodes.ok.code;
};
