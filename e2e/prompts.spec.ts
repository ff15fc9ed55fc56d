/** Prompts: versions, texts, differences and aliases. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';
import { registerModel, registerVersion } from './registry.ts';

let journey: Journey;

const text = (template: string, more: Readonly<Record<string, string>> = {}) => ({
  'mlflow.prompt.is_prompt': 'true',
  'mlflow.prompt.text': template,
  _mlflow_prompt_type: 'text',
  ...more,
});

beforeAll(async () => {
  journey = await Journey.shared('project-l');
  const prompt = { type: 'prompt', tags: { 'mlflow.prompt.is_prompt': 'true' } };
  await registerModel(journey, { ...prompt, name: 'summary', description: 'Summary of a flight report' });
  const first = 'You read reports.\nSum {{ text }} up.\nBe brief.';
  const second = 'You read reports.\nSum {{ text }} up in {{ count }} words.\nBe brief.';
  const settings = { _mlflow_prompt_model_config: '{"temperature":0.2}', team: 'desk' };
  const source = 'prompt-template';
  await registerVersion(journey, 'summary', { source, description: 'First try', tags: text(first) });
  await registerVersion(journey, 'summary', { source, description: 'Say how long', tags: text(second, settings) });
  await registerModel(journey, { ...prompt, name: 'assistant' });
  const messages = [
    { role: 'system', content: 'You help at the gate.' },
    { role: 'user', content: '{{ question }}' },
  ];
  const chat = text(JSON.stringify(messages), { _mlflow_prompt_type: 'chat' });
  await registerVersion(journey, 'assistant', { source, tags: chat });
  await registerModel(journey, { name: 'no-prompt' });
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('prompts are separate from models, and are read version by version', async () => {
  const page = await journey.open('/');
  await page.getByRole('link', { name: 'Prompts', exact: true }).click();
  await page.getByRole('heading', { name: 'Prompts', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'assistant' }).waitFor();
  expect(await page.getByRole('link', { name: 'no-prompt' }).count()).toBe(0);
  await page.getByRole('link', { name: 'summary' }).click();
  await page.getByRole('heading', { name: 'Prompt summary', level: 1 }).waitFor();
  await region(page, 'Version 2').getByText('Sum {{ text }} up in {{ count }} words.').waitFor();
  await region(page, 'Details').getByText('"temperature": 0.2').waitFor();
  await page.getByRole('link', { name: 'version 1' }).click();
  await region(page, 'Version 1').getByText('Sum {{ text }} up.').waitFor();
  expect(new URL(page.url()).search).toBe('?version=1');
});

test('two versions are compared line by line; the URL stores the view', async () => {
  const page = await journey.open('/projects/project-l/prompts/summary');
  await page.getByRole('combobox', { name: 'Compare with' }).click();
  await page.getByRole('option', { name: 'version 1' }).click();
  const diff = region(page, 'Changes from version 1 to 2');
  await diff.getByRole('row', { name: '− Sum {{ text }} up.' }).waitFor();
  await diff.getByRole('row', { name: '+ Sum {{ text }} up in {{ count }} words.' }).waitFor();
  expect(new URL(page.url()).search).toBe('?from=1');
});

test('a version gets an alias and comments', async () => {
  const page = await journey.open('/projects/project-l/prompts/summary');
  await page.getByRole('button', { name: 'Set alias on version 2' }).click();
  await page.getByRole('dialog').getByRole('combobox', { name: 'Alias' }).fill('production');
  await page.keyboard.press('Tab');
  await page.getByRole('dialog').getByRole('button', { name: 'Set alias' }).click();
  await region(page, 'Aliases').getByRole('row', { name: 'production version 2 not required' }).waitFor();
  await page.getByRole('textbox', { name: 'Add a comment' }).fill('Shorter than before');
  await page.getByRole('button', { name: 'Comment' }).click();
  await region(page, 'Comments').getByRole('listitem').getByText('Shorter than before').waitFor();
  // The URL of the model redirects to the prompt.
  await region(page, 'Aliases').getByRole('link', { name: 'version 2' }).click();
  await page.waitForURL('**/projects/project-l/prompts/summary?version=2');
});

const PAGES: readonly PageState[] = [
  ['prompts', '/projects/project-l/prompts', async (page) => await page.getByText('assistant').waitFor()],
  [
    'a prompt',
    '/projects/project-l/prompts/summary?version=2',
    async (page) => await region(page, 'Version 2').waitFor(),
  ],
  [
    'a prompt compared',
    '/projects/project-l/prompts/summary?version=2&from=1',
    async (page) => await region(page, 'Changes from version 1 to 2').waitFor(),
  ],
  [
    'a conversation',
    '/projects/project-l/prompts/assistant',
    async (page) => await page.getByText('You help at the gate.').waitFor(),
  ],
  [
    'a prompt that is not there',
    '/projects/project-l/prompts/nothing',
    async (page) => await page.getByText('There is no Model "nothing"').first().waitFor(),
  ],
];

describeStates(PAGES, () => journey, 'status of 404');
