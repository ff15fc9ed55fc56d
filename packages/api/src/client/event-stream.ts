/** Server-sent events (HTML Standard §9.2.6), decoded from bytes as they arrive. */

export interface ServerSentEvent {
  /** `message` when the stream has no name. */
  readonly event: string;
  readonly data: string;
  /** The last id of the stream. */
  readonly id: string | undefined;
}

/** Decodes chunks of text into events. */
export class EventStreamParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id: string | undefined;
  #started = false;

  /** Returns the events that this chunk completes. */
  push(piece: string): ServerSentEvent[] {
    let text = this.#rest + piece;
    if (!this.#started && text !== '') {
      this.#started = true;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    const events: ServerSentEvent[] = [];
    let start = 0;
    for (;;) {
      const end = lineEnd(text, start);
      if (end === undefined) break;
      const event = this.#line(text.slice(start, end.at));
      if (event !== undefined) events.push(event);
      start = end.next;
    }
    this.#rest = text.slice(start);
    return events;
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value === '' ? undefined : value;
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const event = this.#event === '' ? 'message' : this.#event;
    const data = this.#data;
    this.#event = '';
    this.#data = [];
    return data.length === 0 ? undefined : { event, data: data.join('\n'), id: this.#id };
  }
}

/** A line ends with LF, CR or both. A CR at the very end waits: the LF may be in the next chunk. */
function lineEnd(text: string, from: number): { readonly at: number; readonly next: number } | undefined {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a) return { at, next: at + 1 };
    if (code !== 0x0d) continue;
    if (at + 1 === text.length) return undefined;
    return { at, next: text.charCodeAt(at + 1) === 0x0a ? at + 2 : at + 1 };
  }
  return undefined;
}
