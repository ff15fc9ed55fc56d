import { expect, test } from 'vitest';
import { matchEntries } from './palette-match.ts';

const entries = [
  { id: '1', title: 'my-chat', hint: 'secret' },
  { id: '2', title: 'chat-webhook', hint: 'secret' },
  { id: '3', title: 'chat', hint: 'alert channel' },
];
const found = (text: string, most = 10) => matchEntries(entries, text, most).map(({ id }) => id);

test('every word must match the title or the hint; titles that begin with the first word are listed first', () => {
  expect(found('chat')).toEqual(['2', '3', '1']);
  expect(found('chat secret')).toEqual(['2', '1']);
  expect(found('SECRET web')).toEqual(['2']);
  expect(found('nothing')).toEqual([]);
});

test('no more entries than requested', () => {
  expect(found('chat', 1)).toEqual(['2']);
  expect(found('', 2)).toEqual(['1', '2']);
});
