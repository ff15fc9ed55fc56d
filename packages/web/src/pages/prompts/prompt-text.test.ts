import { expect, test } from 'vitest';
import { prettyJson, promptTextOf } from './prompt-text.ts';

const version = (tags: Readonly<Record<string, string>>, description = '') => promptTextOf({ tags, description });

test('a text with variables', () => {
  const found = version({
    'mlflow.prompt.text': 'Sum {{ text }} up in {{count}} words, {{text}}',
    'mlflow.prompt.is_prompt': 'true',
    _mlflow_prompt_type: 'text',
    _mlflow_prompt_model_config: '{"temperature":0}',
    team: 'desk',
  });
  expect(found.variables).toEqual(['text', 'count']);
  expect(found.messages).toEqual([{ role: '', content: 'Sum {{ text }} up in {{count}} words, {{text}}' }]);
  expect(found.tags).toEqual({ team: 'desk' });
  expect(prettyJson(found.settings ?? '')).toBe('{\n  "temperature": 0\n}');
});

test('a conversation is one text for a diff', () => {
  const messages = '[{"role":"system","content":"Be kind"},{"role":"user","content":"{{ question }}"}]';
  const found = version({ 'mlflow.prompt.text': messages, _mlflow_prompt_type: 'chat' });
  expect(found.messages.map(({ role }) => role)).toEqual(['system', 'user']);
  expect(found.text).toBe('system:\nBe kind\n\nuser:\n{{ question }}\n');
});

test.each(['', '{', '{}', '[null, 3, {"role": 1, "content": {"a": 1}}]'])('%j is read without errors', (text) => {
  expect(version({ 'mlflow.prompt.text': text, _mlflow_prompt_type: 'chat' }).messages.length).toBeGreaterThan(0);
  expect(version({}, text).text).toBe(text);
  expect(typeof prettyJson(text)).toBe('string');
});
