/**
 * Every door of a project is also below `/p/<project>`. Routes know nothing of that: the prefix is taken off before they
 * are looked for, since each route twice would cost the start 250 ms of CPU and 12 MB.
 */
export interface ProjectAddress {
  readonly project: string;
  /** What is asked for in that project, with its query. */
  readonly url: string;
}

/** Undefined for another address, and for a project that is not written as a part of an address is. */
export function projectAddress(url: string): ProjectAddress | undefined {
  const match = /^\/p\/([^/?]+)(\/.*)$/s.exec(url);
  const [, name = '', rest = ''] = match ?? [];
  if (match === null) return undefined;
  try {
    return { project: decodeURIComponent(name), url: rest };
  } catch {
    return undefined;
  }
}
