import { expect, test } from 'vitest';
import { isZone, readCron } from '#pipelines/cron.ts';

test.each([
  ['0 6 * * MON-FRI', '0 0 6 * * MON-FRI'],
  ['*/5 * * * *', '0 */5 * * * *'],
  ['30 */10 1,2 ? jan-Mar 7', '30 */10 1,2 * JAN-MAR 7'],
  [' @daily ', '0 0 0 * * *'],
])('%s is valid', (text, cron) => {
  expect(readCron(text)).toEqual({ cron });
});

test.each([
  ['* * * *', 'has 4 fields'],
  ['60 * * * *', '60 is no minute; they are 0 to 59'],
  ['* 24 * * *', '24 is no hour'],
  ['* * 5-3 * *', '5-3 is no day of the month'],
  ['* * * FEBRUARY *', 'FEBRUARY is no month'],
  ['*/0 * * * *', '*/0 is no minute'],
  ['1-2-3 * * * *', '1-2-3 is no minute'],
  ['@every 1h', '@every 1h is not one of @yearly'],
  ['', 'has 1 fields'],
])('%s is rejected', (text, problem) => {
  expect((readCron(text) as { problem: string }).problem).toContain(problem);
});

test('time zones are those of the calendar', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Base'].map(isZone)).toEqual([true, true, false]);
});
