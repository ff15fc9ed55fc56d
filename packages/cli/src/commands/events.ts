import { DaisError, type DaisClient, type Event } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { jsonText, yamlText } from '#output/documents.ts';
import { remark } from '#output/result.ts';
import { table, tableWidths } from '#output/table.ts';
import { eventCells, eventHeads } from '#resources/event-table.ts';
import { resolveTarget } from '#resources/kind-view.ts';

interface EventsOptions {
  readonly watch?: true;
  readonly organization?: true;
  readonly type?: string;
  readonly limit: number;
}

interface Filter {
  readonly organization: boolean;
  readonly kind: string | undefined;
  readonly name: string | undefined;
  readonly type: string | undefined;
}

export const run: Run<EventsOptions> = async (context, args, options) => {
  const target = args.length === 0 ? undefined : await resolveTarget(args, context.connect);
  const organization = options.organization === true || target?.kind.scope === 'org';
  const filter: Filter = { organization, kind: target?.kind.kind, name: target?.names[0], type: options.type };
  const client = await context.connect();
  if (options.watch === true) await follow(context, client, filter);
  else await show(context, client, filter, options.limit);
  return exitCodes.ok.code;
};

async function show(context: Context, client: DaisClient, filter: Filter, limit: number): Promise<void> {
  const events: Event[] = [];
  for await (const event of client.events({ ...filter, limit: Math.min(limit, 1000) })) {
    if (events.length === limit) break;
    events.push(event);
  }
  const { terminal, globals } = context;
  if (globals.output === 'json') terminal.out(jsonText({ items: events }));
  else if (globals.output === 'yaml') terminal.out(await yamlText({ items: events }));
  else if (events.length === 0) remark(context, emptyText(client, filter));
  else {
    const rows = events.map((event) => eventCells(event, context.now()));
    terminal.out(table(eventHeads, rows, { style: terminal.style, columns: terminal.columns }));
  }
}

async function follow(context: Context, client: DaisClient, filter: Filter): Promise<void> {
  const { terminal, globals } = context;
  let widths: readonly number[] = [8, 18, 24, 8];
  let head = true;
  for (;;) {
    try {
      const settings = {
        signal: context.signal,
        onReconnect: (error: DaisError) => remark(context, `Reconnecting: ${error.message || error.code}`),
      };
      for await (const event of client.watchEvents(filter, settings)) {
        if (globals.output === 'json') terminal.out(`${JSON.stringify(event)}\n`);
        else if (globals.output === 'yaml') terminal.out(`---\n${await yamlText(event)}`);
        else {
          const cells = eventCells(event, context.now());
          widths = tableWidths(eventHeads, [cells.map((cell) => cell.text)], widths);
          terminal.out(table(eventHeads, [cells], { style: terminal.style, columns: terminal.columns, head, widths }));
          head = false;
        }
      }
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'cursor_expired') throw error;
      remark(context, 'Some events are no longer stored; continuing with new events.');
    }
  }
}

function emptyText(client: DaisClient, filter: Filter): string {
  if (filter.kind !== undefined) return `No events about ${filter.name ?? `any ${filter.kind}`}.`;
  if (filter.organization) return 'No events of the organization.';
  const hint = '`dais events --organization` shows events of the organization';
  return `No events in project ${client.project ?? 'default'}; ${hint}.`;
}
