import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { entityTag, noneMatch } from '#http/conditional.ts';
import { accepts } from '#http/negotiation.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

/** Compressed once, when the files were built, as `name.br` beside `name`; the best first. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

const LINKING = new Set(['.css', '.html', '.js', '.mjs']);

/** Both begin and end with a slash; `builtFor` is one part long: `/docs/`. They differ below a base path. */
export interface SitePlace {
  readonly builtFor: string;
  readonly shownAt: string;
}

/**
 * The files of a folder by the paths they are asked for. They are listed once, and only what was listed is served: no
 * path from a request ever reaches the file system.
 */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, string>;
  readonly #place: SitePlace;

  private constructor(files: ReadonlyMap<string, string>, place: SitePlace) {
    this.#files = files;
    this.#place = place;
  }

  /** Undefined when there is no such folder, or it has no front page. */
  static async open(folder: string, place: SitePlace): Promise<StaticFiles | undefined> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = new Map<string, string>();
    for (const entry of entries.filter((one) => one.isFile())) {
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(folder.length).replace(/^\/+/, '');
      files.set(path, file);
      // Clean addresses: `guide/tls` is `guide/tls.html`, `reference/` is `reference/index.html`.
      if (path.endsWith('.html')) files.set(path.replace(/(?:^|(?<=\/))index\.html$|\.html$/, ''), file);
    }
    return files.has('') ? new StaticFiles(files, place) : undefined;
  }

  /** False when there is no such file. */
  async send(request: FastifyRequest, reply: FastifyReply, path: string): Promise<boolean> {
    const file = this.#files.get(path);
    if (file === undefined) return false;
    const sent = this.#encoded(request, reply, path, file);
    const { size, mtimeMs } = await stat(sent);
    const tag = `${size.toString(36)}-${Math.round(mtimeMs).toString(36)}`;
    // Names with a hash in them never change their content.
    const hashed = /[.-][A-Za-z0-9_-]{8,}\.(?:js|css|woff2)$/.test(path);
    reply.headers({
      etag: entityTag(tag),
      'cache-control': hashed ? 'private, max-age=31536000, immutable' : 'private, no-cache',
    });
    if (noneMatch(request.headers['if-none-match'], tag)) {
      await reply.code(304).send();
      return true;
    }
    reply.type(TYPES[extname(file)] ?? 'application/octet-stream');
    const { builtFor, shownAt } = this.#place;
    if (builtFor === shownAt || !LINKING.has(extname(file))) await reply.send(createReadStream(sent));
    else await reply.send(moveLinks(await readFile(file, 'utf8'), builtFor, shownAt));
    return true;
  }

  /** The file to send: a compressed one where there is one that the client takes, with the headers that say so. */
  #encoded(request: FastifyRequest, reply: FastifyReply, path: string, file: string): string {
    const made = ENCODINGS.filter(([, ending]) => this.#files.has(`${path}${ending}`));
    if (made.length === 0) return file;
    reply.header('vary', 'accept-encoding');
    const header = request.headers['accept-encoding'];
    const taken = made.find(([name]) => header !== undefined && accepts(header, name));
    if (taken === undefined) return file;
    reply.header('content-encoding', taken[0]);
    return this.#files.get(`${path}${taken[1]}`) ?? file;
  }
}

/** Pages, scripts and styles name each other by absolute paths: as attributes, strings and in `url(…)`. */
function moveLinks(text: string, builtFor: string, shownAt: string): string {
  return text.replaceAll(/(?<=["'(=])\/[\w-]+\//g, (start) => (start === builtFor ? shownAt : start));
}
