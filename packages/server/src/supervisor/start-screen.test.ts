import { expect, test } from 'vitest';
import { startScreen } from './start-screen.ts';

const facts = {
  version: '1.0.0',
  url: 'http://127.0.0.1:7070',
  grpc: undefined,
  preferredPort: undefined,
  data: '/data',
  database: 'PostgreSQL 17.0, managed by Dais',
  readyMs: 1200,
  phases: [],
  color: false,
};

test('the start screen states whether Ctrl-C keeps or deletes the data', () => {
  expect(startScreen({ ...facts, isTemporary: false })).toContain('Ctrl-C keeps the data');
  const ephemeral = startScreen({ ...facts, isTemporary: true });
  expect(ephemeral).toContain('Ctrl-C deletes the data of this session');
  expect(ephemeral).not.toContain('keeps');
});
