import { DaisError, type DaisClient, type Resource } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes, exitCodeOf, type ExitCode } from '#exit-codes.ts';
import { jsonText, yamlDocuments, yamlText } from '#output/documents.ts';
import { errorText } from '#output/error-text.ts';
import { remark } from '#output/result.ts';
import { table, tableWidths } from '#output/table.ts';
import { printable } from '#output/width.ts';
import { resolveTarget, type KindView } from '#resources/kind-view.ts';
import { resourceColumns, resourceWord } from '#resources/resource-table.ts';

interface GetOptions {
  readonly selector?: string;
  readonly watch?: true;
  readonly allProjects?: true;
  readonly owner?: string;
  readonly origin?: string;
}

export const run: Run<GetOptions> = async (context, args, options) => {
  const { kind, names } = await resolveTarget(args, context.connect);
  const client = await context.connect();
  if (names.length > 0) {
    if (options.selector !== undefined) {
      throw new DaisError('invalid_request', 'Give names or --selector, not both.');
    }
    if (options.watch !== true) return await showNamed(context, client, kind, names, options);
  }
  const clients = options.allProjects === true && kind.scope === 'project' ? await perProject(client) : [client];
  const first = await Promise.all(clients.map((one) => listKind(one, kind, options)));
  const isSelected = (resource: Resource) => names.length === 0 || names.includes(resource.metadata.name);
  const items = first.flatMap((page) => page.items).filter(isSelected);
  if (options.watch !== true) {
    if (items.length === 0) printEmpty(context, kind, client, options);
    else context.terminal.out(await listText(context, kind, items, options));
    return exitCodes.ok.code;
  }
  return await follow(context, kind, clients, first, { ...options, isSelected });
};

interface FirstPage {
  readonly items: readonly Resource[];
  /** Position of the first page: a watch from here includes changes during the other reads. */
  readonly resourceVersion: string;
}

async function listKind(client: DaisClient, kind: KindView, options: GetOptions): Promise<FirstPage> {
  const query = { labels: options.selector, owner: options.owner, origin: options.origin, limit: 500 };
  const first = await client.listPage(kind.kind, query);
  const items: Resource[] = [...first.items];
  for (let cursor = first.nextCursor; cursor !== undefined;) {
    const page = await client.listPage(kind.kind, { ...query, cursor });
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return { items, resourceVersion: first.resourceVersion };
}

async function perProject(client: DaisClient): Promise<DaisClient[]> {
  const clients: DaisClient[] = [];
  for await (const project of client.list('Project')) clients.push(client.withProject(project.metadata.name));
  return clients;
}

async function showNamed(
  context: Context,
  client: DaisClient,
  kind: KindView,
  names: readonly string[],
  options: GetOptions,
): Promise<ExitCode> {
  const found: Resource[] = [];
  const missing: DaisError[] = [];
  for (const name of names) {
    try {
      found.push(await client.get(kind.kind, name));
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'not_found') throw error;
      missing.push(error);
    }
  }
  const [only] = found;
  if (only !== undefined) {
    const one = names.length === 1 && (context.globals.output === 'json' || context.globals.output === 'yaml');
    const text = one
      ? await (context.globals.output === 'json' ? jsonText(only) : yamlText(only))
      : await listText(context, kind, found, options);
    context.terminal.out(text);
  }
  const [first] = missing;
  if (first === undefined) return exitCodes.ok.code;
  for (const error of missing) {
    context.terminal.err(
      errorText(error, { style: context.terminal.errStyle, sources: new Map(), columns: undefined }),
    );
  }
  return exitCodeOf(first);
}

async function listText(
  context: Context,
  kind: KindView,
  items: readonly Resource[],
  options: GetOptions,
): Promise<string> {
  switch (context.globals.output) {
    case 'json':
      return jsonText({ items });
    case 'yaml':
      return await yamlDocuments(items);
    case 'name':
      return items.map((item) => `${printable(resourceWord(item))}\n`).join('');
    default: {
      const columns = columnsFor(context, kind, options);
      const rows = items.map((item) => columns.map((column) => column.cell(item)));
      const { style, columns: width } = context.terminal;
      return table(
        columns.map((column) => column.title),
        rows,
        { style, columns: width },
      );
    }
  }
}

function columnsFor(context: Context, kind: KindView, options: GetOptions) {
  const wide = context.globals.output === 'wide';
  return resourceColumns(kind, { wide, allProjects: options.allProjects === true, nowMs: context.now() });
}

/** The text of an empty list, with the shortest command that creates an entry. */
function printEmpty(context: Context, kind: KindView, client: DaisClient, options: GetOptions): void {
  const { output } = context.globals;
  if (output === 'json') context.terminal.out(jsonText({ items: [] }));
  const filtered = [options.selector, options.owner, options.origin].some((filter) => filter !== undefined);
  const position =
    kind.scope === 'org'
      ? ''
      : options.allProjects === true
        ? ' in any project'
        : ` in project ${client.project ?? 'default'}`;
  if (filtered) remark(context, `No ${kind.plural}${position} match.`);
  else
    remark(
      context,
      `No ${kind.plural}${position}. Create one with dais apply -f FILE; \`dais explain ${kind.kind} --example\` prints an example.`,
    );
}

interface FollowOptions extends GetOptions {
  readonly isSelected: (resource: Resource) => boolean;
}

/** Prints the list, then every change until Ctrl-C. */
async function follow(
  context: Context,
  kind: KindView,
  clients: readonly DaisClient[],
  first: readonly FirstPage[],
  options: FollowOptions,
): Promise<ExitCode> {
  const printer = new ChangePrinter(context, kind, options);
  await printer.start(first.flatMap((page) => page.items).filter(options.isSelected));
  await Promise.all(
    clients.map((client, index) => followOne(context, kind, client, first[index]?.resourceVersion, printer, options)),
  );
  return exitCodes.ok.code;
}

async function followOne(
  context: Context,
  kind: KindView,
  client: DaisClient,
  from: string | undefined,
  printer: ChangePrinter,
  options: FollowOptions,
): Promise<void> {
  let position = from;
  for (;;) {
    try {
      const settings = {
        resourceVersion: position,
        signal: context.signal,
        onReconnect: (error: DaisError) => remark(context, `Reconnecting: ${error.message || error.code}`),
      };
      for await (const event of client.watch(kind.kind, { labels: options.selector }, settings)) {
        if (event.type !== 'bookmark' && options.isSelected(event.object))
          await printer.print(event.type, event.object);
      }
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'cursor_expired') throw error;
      // The position has expired: list again, print the current state, continue from there.
      const page = await listKind(client, kind, options);
      for (const item of page.items.filter(options.isSelected)) await printer.print('modified', item);
      position = page.resourceVersion;
    }
  }
}

/** Rows under the header of the first table; single objects for programs. */
class ChangePrinter {
  readonly #context: Context;
  readonly #kind: KindView;
  readonly #options: GetOptions;
  #widths: readonly number[] = [];

  constructor(context: Context, kind: KindView, options: GetOptions) {
    this.#context = context;
    this.#kind = kind;
    this.#options = options;
  }

  async start(items: readonly Resource[]): Promise<void> {
    const { output } = this.#context.globals;
    if (output === 'table' || output === 'wide') this.#rows(items, true, undefined);
    else for (const item of items) await this.print('added', item);
  }

  async print(type: 'added' | 'modified' | 'deleted', object: Resource): Promise<void> {
    const { terminal, globals } = this.#context;
    if (globals.output === 'json') terminal.out(`${JSON.stringify({ type, object })}\n`);
    else if (globals.output === 'yaml') terminal.out(`---\n${await yamlText({ type, object })}`);
    else if (globals.output === 'name') terminal.out(`${type} ${printable(resourceWord(object))}\n`);
    else this.#rows([object], false, type === 'deleted' ? ' (deleted)' : undefined);
  }

  #rows(items: readonly Resource[], head: boolean, suffix: string | undefined): void {
    const columns = columnsFor(this.#context, this.#kind, this.#options);
    const heads = columns.map((column) => column.title);
    const rows = items.map((item) =>
      columns.map(({ title, cell }) => {
        const made = cell(item);
        return title === 'name' && suffix !== undefined ? { text: made.text + suffix } : made;
      }),
    );
    const { style, columns: width } = this.#context.terminal;
    this.#widths = tableWidths(
      heads,
      rows.map((row) => row.map((cell) => cell.text)),
      this.#widths,
    );
    this.#context.terminal.out(table(heads, rows, { style, columns: width, head, widths: this.#widths }));
  }
}
