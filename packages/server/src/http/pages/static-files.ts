import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { entityTag, noneMatch } from '#http/request/conditional.ts';
import { accepts } from '#http/request/negotiation.ts';

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

/** Encodings of the files that the build compressed, as `name.br` next to `name`, in order of preference. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

const LINKING = new Set(['.css', '.html', '.js', '.mjs']);

/** Both start and end with a slash; `builtFor` has one segment: `/docs/`. They differ behind a base path. */
export interface SiteLocation {
  readonly builtFor: string;
  readonly shownAt: string;
}

/**
 * Serves the files of a folder. They are listed once, and only listed files are served: no path of a request reaches
 * the file system.
 */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, string>;
  readonly #location: SiteLocation;

  private constructor(files: ReadonlyMap<string, string>, location: SiteLocation) {
    this.#files = files;
    this.#location = location;
  }

  /** Returns undefined if there is no such folder, or no front page in it. */
  static async open(folder: string, location: SiteLocation): Promise<StaticFiles | undefined> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = new Map<string, string>();
    for (const entry of entries.filter((one) => one.isFile())) {
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(folder.length).replace(/^\/+/, '');
      files.set(path, file);
      // Clean URLs: `guide/tls` is `guide/tls.html`, `reference/` is `reference/index.html`.
      if (path.endsWith('.html')) files.set(path.replace(/(?:^|(?<=\/))index\.html$|\.html$/, ''), file);
    }
    return files.has('') ? new StaticFiles(files, location) : undefined;
  }

  /** Returns false if there is no such file. */
  async send(request: FastifyRequest, reply: FastifyReply, path: string): Promise<boolean> {
    const file = this.#files.get(path);
    if (file === undefined) return false;
    const sent = this.#encoded(request, reply, path, file);
    const { size, mtimeMs } = await stat(sent);
    const tag = `${size.toString(36)}-${Math.round(mtimeMs).toString(36)}`;
    // Files with a hash in their names never change.
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
    const { builtFor, shownAt } = this.#location;
    if (builtFor === shownAt || !LINKING.has(extname(file))) await reply.send(createReadStream(sent));
    else await reply.send(moveLinks(await readFile(file, 'utf8'), builtFor, shownAt));
    return true;
  }

  /** Returns the file to send: a compressed one that the client accepts, with the matching headers. */
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

/** Pages, scripts and styles refer to each other by absolute paths: in attributes, strings and `url(…)`. */
function moveLinks(text: string, builtFor: string, shownAt: string): string {
  return text.replaceAll(/(?<=["'(=])\/[\w-]+\//g, (start) => (start === builtFor ? shownAt : start));
}
