import type { DaisClient, Event, Resource } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { yamlText } from '#output/documents.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';
import { padTo, printable } from '#output/width.ts';
import { conditionsOf, labelsText, paintOf } from '#resources/column-values.ts';
import { eventCells, eventHeads } from '#resources/event-table.ts';
import { resolveOne, type KindView } from '#resources/kind-view.ts';
import { sourceText } from '#resources/source-text.ts';

const EVENTS = 10;

export const run: Run = async (context, args) => {
  const { kind, name } = await resolveOne(args, context.connect);
  const client = await context.connect();
  const [resource, events] = await Promise.all([client.get(kind.kind, name), recentEvents(client, kind, name)]);
  if (await printedForPrograms(context, { resource, events })) return exitCodes.ok.code;
  context.terminal.out(await description(context, kind, resource, events));
  return exitCodes.ok.code;
};

async function recentEvents(client: DaisClient, kind: KindView, name: string): Promise<readonly Event[]> {
  const page = await client.eventsPage({
    organization: kind.scope === 'org',
    kind: kind.kind,
    name,
    limit: EVENTS,
  });
  return page.items;
}

async function description(
  context: Context,
  kind: KindView,
  resource: Resource,
  events: readonly Event[],
): Promise<string> {
  const { style, columns } = context.terminal;
  const nowMs = context.now();
  const { metadata } = resource;
  const facts = factLines(resource, nowMs);
  const width = Math.max(...facts.map(([title]) => title.length));
  const conditions = conditionsOf(resource);
  const { conditions: _, observedGeneration: __, ...status } = resource.status;
  const parts = [
    `${kind.kind} ${style.bold(printable(metadata.name))}\n`,
    facts.map(([title, value]) => `  ${style.dim(padTo(title, width))}   ${value}\n`).join(''),
    await block('Spec', resource.spec, context),
    await block('Status', status, context),
    conditions.length === 0
      ? ''
      : `${style.bold('Conditions')}\n${indented(
          table(
            ['type', 'status', 'reason', 'since', 'message'],
            conditions.map((condition) => [
              { text: condition.type },
              { text: condition.status, paint: paintOf(condition.status) },
              { text: condition.reason },
              { text: age(condition.lastTransitionTime, nowMs) },
              { text: condition.message },
            ]),
            { style, columns: columns === undefined ? undefined : columns - 2 },
          ),
        )}`,
    events.length === 0
      ? ''
      : `${style.bold('Events')}\n${indented(
          table(
            eventHeads.filter((head) => head !== 'about'),
            events.map((event) => eventCells(event, nowMs).filter((_cell, index) => eventHeads[index] !== 'about')),
            { style, columns: columns === undefined ? undefined : columns - 2 },
          ),
        )}`,
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function factLines({ metadata }: Resource, nowMs: number): readonly (readonly [string, string])[] {
  const time = (text: string) => `${text} (${age(text, nowMs)} ago)`;
  const source = sourceText(metadata.source);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Project', metadata.project],
    ['Labels', labelsText(metadata.labels) || undefined],
    ...Object.entries(metadata.annotations).map(([key, value]) => [`Annotation ${key}`, value] as const),
    ['Revision', String(metadata.generation)],
    ['Created', time(metadata.createdAt)],
    ['Updated', metadata.generation === 1 ? undefined : time(metadata.updatedAt)],
    ['Created by', metadata.owner === undefined ? metadata.origin : `${metadata.origin}, set ${metadata.owner}`],
    ['Source', source === '' ? undefined : source],
    ['Being deleted', metadata.deletionRequestedAt === undefined ? undefined : time(metadata.deletionRequestedAt)],
    ['Waiting for', metadata.finalizers?.join(', ')],
    ['UID', metadata.uid],
  ];
  return facts.flatMap(([title, value]) => (value === undefined ? [] : [[title, printable(value)] as const]));
}

async function block(title: string, value: unknown, context: Context): Promise<string> {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return '';
  const lines = (await yamlText(value)).trimEnd().split('\n').map(printable);
  return `${context.terminal.style.bold(title)}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
