/** Images, sounds and texts in events. */
import { pathOf } from '../run-logs/log-text.ts';
import type { LogFile } from '../run-logs/log-file.ts';
import type { SummaryValue } from './event.ts';
import type { LoggedEvent } from './event-log.ts';

export interface Media {
  readonly path: string;
  readonly size: number;
  /** Where its event is, and its place among the media of this event. */
  readonly file: LogFile;
  readonly at: number;
  readonly index: number;
  readonly plugin: string | undefined;
}

type Kind = 'images' | 'audio' | 'text';
interface Content {
  readonly kind: Kind;
  readonly bytes: Buffer;
}

const SIGNATURES: readonly (readonly [string, string])[] = [
  ['89504e47', 'png'],
  ['ffd8ff', 'jpg'],
  ['47494638', 'gif'],
  ['52494646', 'wav'],
  ['424d', 'bmp'],
];

export function mediaOf(event: LoggedEvent, pluginOf: (tag: string) => string | undefined): Media[] {
  const found: Media[] = [];
  event.values.forEach((value, index) => {
    const plugin = pluginOf(value.tag);
    const contents = contentsOf(value, plugin);
    contents.forEach(({ kind, bytes }, part) => {
      const number = contents.length === 1 ? '' : `-${part}`;
      const name = `${kind}/${pathOf(value.tag)}/${event.step}${number}.${extensionOf(kind, bytes)}`;
      const place = { file: event.file, at: event.at, index: index * 100_000 + part };
      found.push({ path: name, size: bytes.length, ...place, plugin });
    });
  });
  return found;
}

/** Returns the bytes of one of the media of an event. */
export function contentOf(values: readonly SummaryValue[], { index, plugin }: Media): Buffer | undefined {
  const value = values[Math.floor(index / 100_000)];
  return value === undefined ? undefined : contentsOf(value, plugin)[index % 100_000]?.bytes;
}

function contentsOf({ image, audio, tensor }: SummaryValue, plugin: string | undefined): Content[] {
  if (image !== undefined && image.length > 0) return [{ kind: 'images', bytes: image }];
  if (audio !== undefined && audio.length > 0) return [{ kind: 'audio', bytes: audio }];
  const strings = tensor?.strings ?? [];
  // The first two are the width and the height.
  if (plugin === 'images') return strings.slice(2).map((bytes) => ({ kind: 'images', bytes }));
  // Each sound is followed by its label.
  if (plugin === 'audio') {
    return strings.filter((bytes, at) => at % 2 === 0 && bytes.length > 0).map((bytes) => ({ kind: 'audio', bytes }));
  }
  if (plugin !== 'text' || strings.length === 0) return [];
  return [{ kind: 'text', bytes: Buffer.from(strings.map((bytes) => bytes.toString('utf8')).join('\n')) }];
}

function extensionOf(kind: Kind, bytes: Buffer): string {
  if (kind === 'text') return 'md';
  const start = bytes.toString('hex', 0, 4);
  return SIGNATURES.find(([signature]) => start.startsWith(signature))?.[1] ?? 'bin';
}
