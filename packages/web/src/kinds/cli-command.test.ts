import { projectKind } from '@dais/api';
import { secretKind } from '@dais/api/access';
import { expect, test } from 'vitest';
import { cliCommand } from './cli-command.ts';

test.each([
  [['get', 'secrets'], secretKind, 'default', 'dais get secrets'],
  [['get', 'secrets', '-l', 'a=b,!c'], secretKind, 'vision', "dais get secrets -l 'a=b,!c' -p vision"],
  [['get', 'project', "it's"], projectKind, 'vision', String.raw`dais get project 'it'\''s'`],
])('%j', (words, kind, project, command) => {
  expect(cliCommand(words, kind, project)).toBe(command);
});
