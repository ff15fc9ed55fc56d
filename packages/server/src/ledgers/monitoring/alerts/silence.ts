/** Silence periods of a monitor. Pure. */
import { weekdays, type MonitorSpec } from '@dais/api/monitoring';

/** Whether notifications are silenced at a time, in milliseconds since 1970. */
export function isSilent(silence: MonitorSpec['silence'], at: number): boolean {
  return silence.some((one) => {
    if (one.type === 'once') return at >= Date.parse(one.from) && at < Date.parse(one.until);
    const { day, time } = localTime(at, one.zone);
    const today = one.days.some((name) => weekdays.indexOf(name) === day);
    if (one.from < one.until) return today && time >= one.from && time < one.until;
    // A period across midnight that started yesterday still applies today.
    const yesterday = one.days.some((name) => (weekdays.indexOf(name) + 1) % 7 === day);
    return (today && time >= one.from) || (yesterday && time < one.until);
  });
}

/** Returns the day of the week; Monday is 0. */
function localTime(at: number, zone: string): { readonly day: number; readonly time: string } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  const day = weekdays.findIndex((name) => name === of('weekday').toLowerCase());
  return { day, time: `${of('hour')}:${of('minute')}` };
}
