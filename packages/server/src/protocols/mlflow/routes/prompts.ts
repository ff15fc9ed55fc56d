/** Prompts have no separate endpoints: they are registered models with a marker tag. */
import { formatFilter, parseFilter, type FilterClause, type FilterEntity } from '@dais/api/filter';

const PROMPT_TAG = 'mlflow.prompt.is_prompt';

/** Of a version: the text of the prompt. */
export const PROMPT_TEXT_TAG = 'mlflow.prompt.text';
/** Tags that clients use as type markers; they are not tags of the user. */
const INTERNAL = new Set([PROMPT_TAG, PROMPT_TEXT_TAG, '_mlflow_prompt_type']);

export function withoutPromptTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !INTERNAL.has(key)));
}

export function isPrompt(tags: Readonly<Record<string, string>>): boolean {
  return tags[PROMPT_TAG]?.toLowerCase() === 'true';
}

interface Sought {
  readonly filter?: string;
  readonly types: ('model' | 'prompt')[];
}

/**
 * Searches exclude prompts, unless the filter asks for them. The condition on the marker tag is removed, because other
 * models lack the tag and would not match it.
 * @throws DaisError `invalid_request` for an invalid filter.
 */
export function searchInputOf(entity: FilterEntity, filter: string): Sought {
  if (!filter.includes(PROMPT_TAG)) return { types: ['model'], ...(filter !== '' && { filter }) };
  const clauses = parseFilter(entity, filter);
  const about = clauses.find(isAboutPrompts);
  const types: Sought['types'] = about !== undefined && selectsPrompts(about) ? ['prompt'] : ['model'];
  const rest = clauses.filter((clause) => !isAboutPrompts(clause));
  return { types, ...(rest.length > 0 && { filter: formatFilter(entity, rest) }) };
}

function isAboutPrompts({ family, key }: FilterClause): boolean {
  return family === 'tag' && key === PROMPT_TAG;
}

function selectsPrompts({ operator, value }: FilterClause): boolean {
  const truth = String(value).toLowerCase();
  return (operator === '=' && truth === 'true') || (operator === '!=' && truth === 'false');
}
