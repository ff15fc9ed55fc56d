/** Webhooks in MLflow's format: event types, bodies, and the headers that receivers verify. */
import { createHmac } from 'node:crypto';
import { DaisError } from '@dais/api';
import type { ModelVersion, RegisteredModel } from '@dais/api/registry';
import type { SequencedEvent } from '#kernel/events.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { readModel, readVersion } from '#ledgers/registry/index.ts';
import type { Message, Signing, WebhookFormat } from '#ledgers/webhooks/index.ts';
import { isPrompt, PROMPT_TEXT_TAG, withoutPromptTags } from '#protocols/mlflow/routes/prompts.ts';
import { EXAMPLES, type WebhookEventName } from './webhook-examples.ts';

/** What a type of event may be called: a prompt is a model of another type. */
const CALLED: Readonly<Record<string, readonly WebhookEventName[]>> = {
  'resource.created': ['registered_model.created', 'prompt.created'],
  'model.tagged': ['prompt_tag.set'],
  'model.untagged': ['prompt_tag.deleted'],
  'model.version.created': ['model_version.created', 'prompt_version.created'],
  'model.version.tagged': ['model_version_tag.set', 'prompt_version_tag.set'],
  'model.version.untagged': ['model_version_tag.deleted', 'prompt_version_tag.deleted'],
  'model.alias.set': ['model_version_alias.created', 'prompt_alias.created'],
  'model.alias.removed': ['model_version_alias.deleted', 'prompt_alias.deleted'],
};

/** The id of the MLflow format, used by webhooks that MLflow clients create. */
export const WEBHOOK_FORMAT = 'mlflow';

export const mlflowWebhooks: WebhookFormat = {
  name: WEBHOOK_FORMAT,
  events: Object.keys(EXAMPLES),
  candidates: (type) => CALLED[type] ?? [],
  render,
  example: (event, at) => message(event, at, EXAMPLES[event as WebhookEventName]),
  headers,
};

/** `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`, with the bytes of the secret's text as the key. */
function headers({ deliveryId, seconds, body, secret }: Signing): Readonly<Record<string, string>> {
  const output = { 'X-MLflow-Delivery-Id': deliveryId, 'X-MLflow-Timestamp': String(seconds) };
  if (secret === undefined) return output;
  const signature = createHmac('sha256', secret).update(`${deliveryId}.${seconds}.${body}`).digest('base64');
  return { ...output, 'X-MLflow-Signature': `v1,${signature}` };
}

function message(event: string, at: number, data: object): Message {
  const [entity, action] = event.split('.');
  // Python writes an offset, and receivers can require one.
  const timestamp = new Date(at).toISOString().replace('Z', '000+00:00');
  return { event, body: JSON.stringify({ entity, action, timestamp, data }) };
}

async function render(tx: Transaction, event: SequencedEvent): Promise<Message | undefined> {
  const { subject, type, projectId } = event;
  if (subject?.kind !== 'Model') return undefined;
  // A renamed model continues as another resource, but is not a new one for clients.
  if (type === 'resource.created' && event.data['operation'] === 'rename') return undefined;
  const model = await ignoreMissing(readModel(tx.sql, projectId, subject.name));
  const prompt = model?.type === 'prompt' || isPrompt(model?.tags ?? {});
  const called = CALLED[type] ?? [];
  const name = called.find((one) => one.startsWith('prompt') === prompt);
  if (name === undefined) return undefined;
  const data = { name: subject.name, ...(await dataOf(tx, event, model, prompt)) };
  return isInternal(event) ? undefined : message(name, event.at.getTime(), data);
}

/** The tags of a new prompt are part of its event; the tags that mark it as a prompt are not. */
function isInternal({ type, data }: SequencedEvent): boolean {
  if (type !== 'model.tagged' && type !== 'model.untagged') return false;
  return data['initial'] === true || Object.keys(withoutPromptTags({ [String(data['key'])]: '' })).length === 0;
}

async function dataOf(
  { sql }: Transaction,
  { type, projectId, subject, data }: SequencedEvent,
  model: RegisteredModel | undefined,
  prompt: boolean,
): Promise<object> {
  const number = data['version'] as number | undefined;
  const version = number === undefined ? undefined : String(number);
  const found =
    number === undefined || !type.startsWith('model.version.')
      ? undefined
      : await ignoreMissing(readVersion(sql, projectId, subject?.name ?? '', number));
  switch (type) {
    case 'resource.created': {
      const tags = model?.tags ?? {};
      return { tags: prompt ? withoutPromptTags(tags) : tags, description: model?.description ?? '' };
    }
    case 'model.version.created':
      return { version, ...versionData(data, found, prompt) };
    case 'model.tagged':
      return { key: data['key'], value: whole(data, model?.tags) };
    case 'model.version.tagged':
      return { version, key: data['key'], value: whole(data, found?.tags) };
    case 'model.untagged':
      return { key: data['key'] };
    case 'model.version.untagged':
      return { version, key: data['key'] };
    case 'model.alias.set':
      return { alias: data['alias'], version };
    default:
      return { alias: data['alias'] };
  }
}

type Data = SequencedEvent['data'];
type Tags = Readonly<Record<string, string>>;

/** The current version if it exists; for a deleted version, the data of the event. */
function versionData(data: Data, found: ModelVersion | undefined, prompt: boolean): object {
  const tags = found?.tags ?? (data['tags'] as Tags);
  const description = found === undefined || found.description === '' ? null : found.description;
  if (prompt) return { template: tags[PROMPT_TEXT_TAG] ?? '', tags: withoutPromptTags(tags), description };
  return { source: data['source'], run_id: data['runId'] ?? null, tags, description };
}

/** Events contain the start of a long value; the full value is read unless it was replaced since. */
function whole(data: Data, tags: Tags | undefined): string {
  const value = String(data['value']);
  const now = tags?.[String(data['key'])];
  return now?.startsWith(value) === true ? now : value;
}

async function ignoreMissing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof DaisError && error.code === 'not_found') return undefined;
    throw error;
  }
}
