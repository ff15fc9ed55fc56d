/** What the events of one run contain: metrics, hyperparameters and media. */
import { countNoun } from '@dais/api';
import type { RunStatus } from '@dais/api/tracking';
import { LatestPoints, millisecondsOf, MOST_METRICS, type LogPoint } from '../run-logs/log-metrics.ts';
import { PairList } from '../run-logs/log-text.ts';
import { MalformedMessage } from '../run-logs/proto-reader.ts';
import type { Pairs } from '../source.ts';
import type { Problem } from '../tally.ts';
import type { SummaryValue } from './event.ts';
import type { EventLog, LoggedEvent } from './event-log.ts';
import { readHyperparameters } from './hparams.ts';
import { mediaOf, type Media } from './media.ts';
import { Restarts } from './restarts.ts';
import { LARGEST_RECORD } from './tfrecord.ts';

const MOST_MEDIA = 100_000;

export class RunContent {
  readonly #events: EventLog;
  #restarts = new Restarts();
  readonly #plugins = new Map<string, string>();
  readonly #params = new PairList();
  readonly #media = new Map<string, Media>();
  #omittedMedia = 0;
  latest = new LatestPoints();
  status: RunStatus = 'FINISHED';
  #first = Infinity;
  #last = 0;

  private constructor(events: EventLog) {
    this.#events = events;
  }

  static async read(events: EventLog): Promise<RunContent> {
    const content = new RunContent(events);
    const restarts = new Restarts();
    for await (const event of events.read()) {
      if (event.isSessionStart) restarts.add(event.order, event.step);
      content.#add(event);
    }
    if (restarts.isEmpty) return content;
    // What came after the checkpoint that a training continued from is known only at the end.
    restarts.complete();
    const again = new RunContent(events);
    again.#restarts = restarts;
    for await (const event of events.read()) again.#add(event);
    return again;
  }

  get startedAt(): number {
    return this.#first === Infinity ? 0 : this.#first;
  }

  get endedAt(): number {
    return this.#last;
  }

  get params(): Pairs {
    return this.#params.all();
  }

  get media(): readonly Media[] {
    return [...this.#media.values()];
  }

  #add(event: LoggedEvent): void {
    const at = millisecondsOf(event.wallTime);
    if (at > 0) this.#first = Math.min(this.#first, at);
    this.#last = Math.max(this.#last, at);
    for (const value of event.values) this.#learn(value);
    for (const point of this.pointsOf(event)) this.latest.add(point);
    if (this.#restarts.discards(event)) return;
    for (const media of mediaOf(event, (tag) => this.#plugins.get(tag))) {
      if (this.#media.size >= MOST_MEDIA && !this.#media.has(media.path)) this.#omittedMedia += 1;
      else this.#media.set(media.path, media);
    }
  }

  /** Writers send the metadata of a tag with its first value only. */
  #learn({ tag, plugin }: SummaryValue): void {
    if (plugin === undefined) return;
    if (this.#plugins.size < MOST_METRICS) this.#plugins.set(tag, plugin.name);
    if (plugin.name !== 'hparams') return;
    try {
      const { parameters, status } = readHyperparameters(plugin.content);
      for (const [name, value] of parameters) this.#params.setNested(name, value);
      if (status !== undefined) this.status = status;
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#params.omitted += 1;
    }
  }

  *pointsOf(event: LoggedEvent): Generator<LogPoint> {
    if (this.#restarts.discards(event)) return;
    for (const { tag, scalar, tensor } of event.values) {
      const value = scalar ?? (this.#plugins.get(tag) === 'scalars' ? tensor?.number : undefined);
      if (value !== undefined) yield { key: tag, step: event.step, timestamp: millisecondsOf(event.wallTime), value };
    }
  }

  report(run: string): { readonly problems: Problem[]; readonly notes: string[] } {
    const problems: Problem[] = [];
    const notes: string[] = [];
    const problem = (why: string) => problems.push({ what: `run ${run}`, why });
    for (const [path, { damaged, firstAt, tooLarge, lost, lostAt, incomplete }] of this.#events.damage) {
      const imported = `${countNoun(this.#events.records, 'readable record')} of the run ${this.#events.records === 1 ? 'is' : 'are'} imported.`;
      if (lost > 0 && lostAt === 0)
        problem(`${path} is not an event file, or its first record is damaged. ${imported}`);
      else if (lost > 0) {
        problem(
          `${path} is damaged at byte ${lostAt}: ${countNoun(lost, 'byte')} after it cannot be read. ${imported}`,
        );
      }
      if (damaged > 0) {
        problem(`${path} has ${countNoun(damaged, 'damaged record')}, the first at byte ${firstAt}. ${imported}`);
      }
      if (tooLarge > 0) {
        notes.push(`${path}: ${countNoun(tooLarge, 'record')} larger than ${LARGEST_RECORD >> 20} MiB not imported.`);
      }
      if (incomplete > 0) {
        notes.push(`${path}: the last record is incomplete, because the training stopped or continues to write.`);
      }
    }
    const { omitted } = this.latest;
    if (omitted > 0)
      problem(
        `${countNoun(omitted, 'point')} not imported: the name has more than 250 characters, or the run more than ${MOST_METRICS} metrics.`,
      );
    if (this.#params.omitted > 0)
      problem(`${countNoun(this.#params.omitted, 'parameter')} not imported: too long, or unreadable.`);
    if (this.#omittedMedia > 0)
      problem(`${countNoun(this.#omittedMedia, 'media file')} not imported: the limit is ${MOST_MEDIA}.`);
    return { problems, notes };
  }
}
