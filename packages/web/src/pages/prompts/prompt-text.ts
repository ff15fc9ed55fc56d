/** A version of a prompt, as its clients store it: in tags of a version of a registered model. */
import type { ModelVersion } from '@dais/api/registry';

const TEXT = 'mlflow.prompt.text';
const TYPE = '_mlflow_prompt_type';
const CONFIG = '_mlflow_prompt_model_config';
const FORMAT = '_mlflow_prompt_response_format';
/** Tags that clients use internally. */
const INTERNAL = /^_?mlflow[._]/;

export interface PromptMessage {
  readonly role: string;
  readonly content: string;
}

export interface PromptText {
  /** One message without a role, or several of a conversation. */
  readonly messages: readonly PromptMessage[];
  /** The whole prompt as one text, for a diff. */
  readonly text: string;
  /** Variables: `{{ name }}`, once each. */
  readonly variables: readonly string[];
  /** Model settings and response format: JSON. */
  readonly settings: string | undefined;
  readonly responseFormat: string | undefined;
  /** Tags that users set. */
  readonly tags: Readonly<Record<string, string>>;
}

export function promptTextOf({ tags, description }: Pick<ModelVersion, 'tags' | 'description'>): PromptText {
  // Older clients stored the text in the description.
  const raw = tags[TEXT] ?? description;
  const messages = tags[TYPE] === 'chat' ? chatOf(raw) : undefined;
  const text = messages === undefined ? raw : messages.map(({ role, content }) => `${role}:\n${content}\n`).join('\n');
  return {
    messages: messages ?? [{ role: '', content: raw }],
    text,
    variables: [...new Set([...text.matchAll(/\{\{\s*([\w.]+)\s*\}\}/g)].map(([, name = '']) => name))],
    settings: tags[CONFIG],
    responseFormat: tags[FORMAT],
    tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !INTERNAL.test(key))),
  };
}

/** Undefined unless the text is a list of messages. */
function chatOf(raw: string): readonly PromptMessage[] | undefined {
  try {
    const list: unknown = JSON.parse(raw);
    if (!Array.isArray(list)) return undefined;
    return list.map((one: unknown) => {
      const { role, content } = (one ?? {}) as Readonly<Record<string, unknown>>;
      return {
        role: typeof role === 'string' ? role : '?',
        content: typeof content === 'string' ? content : JSON.stringify(content ?? '', undefined, 2),
      };
    });
  } catch {
    return undefined;
  }
}

/** JSON over several lines; other text unchanged. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
