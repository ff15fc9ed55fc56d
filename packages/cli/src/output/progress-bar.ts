/** A progress line: completed amount, rate and remaining time. */
import { bytesText } from '#output/amounts.ts';

export interface BarState {
  readonly what: string;
  readonly done: number;
  readonly total: number;
  readonly bytes: number;
  /** Since the start of the work. */
  readonly elapsedMs: number;
}

const WIDTH = 20;

/** `runs 12 of 40 [######              ] 30 %, 4.1/s, 12.0 MiB, 7 s left` */
export function barText({ what, done, total, bytes, elapsedMs }: BarState): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(share * WIDTH);
  const bar = `${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}`;
  const perSecond = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  const parts = [
    `${what} ${done} of ${total} [${bar}] ${Math.floor(share * 100)} %`,
    ...(perSecond > 0 ? [`${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`] : []),
    ...(bytes > 0 ? [bytesText(bytes)] : []),
    ...(perSecond > 0 && done < total ? [`${durationText((total - done) / perSecond)} left`] : []),
  ];
  return parts.join(', ');
}

/** `7 s`, `3 min`, `2 h 5 min` */
function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
