/** A package index on loopback, with generated packages. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { zip } from '#lib/formats/zip.testing.ts';

export interface TestPackage {
  readonly name: string;
  readonly version: string;
  readonly needs?: readonly string[];
  /** Additional files of the wheel. */
  readonly files?: Readonly<Record<string, string>>;
  /** Source archive only, which this module builds (PEP 517). */
  readonly source?: string;
}

export interface IndexFile {
  readonly file: string;
  readonly bytes: Buffer;
}

/** A module of the package's name with its version as `VERSION`, and a program `<name>-version` that prints it. */
export function packageFile({ name, version, needs = [], source, files: further = {} }: TestPackage): IndexFile {
  if (source !== undefined) {
    const folder = `${name}-${version}`;
    const files = {
      [`${folder}/PKG-INFO`]: metadata(name, version, needs),
      [`${folder}/backend.py`]: source,
      [`${folder}/pyproject.toml`]: '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    };
    return { file: `${folder}.tar.gz`, bytes: gzipSync(tar(files)) };
  }
  const info = `${name}-${version}.dist-info`;
  const files = {
    [`${name}.py`]: `VERSION = '${version}'\ndef main():\n    print(VERSION)\n`,
    [`${info}/METADATA`]: metadata(name, version, needs),
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/entry_points.txt`]: `[console_scripts]\n${name}-version = ${name}:main\n`,
    [`${info}/RECORD`]: '',
    ...further,
  };
  return { file: `${name}-${version}-py3-none-any.whl`, bytes: zip(files) };
}

export class TestIndex {
  readonly files: IndexFile[];
  /** Requested paths, with the prefix `401 ` for rejected ones. */
  readonly requests: string[] = [];
  /** `user:password`, when it is private. */
  password: string | undefined;
  /** Called before each response: returns true when it has responded. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>) | undefined;
  readonly #net = new TestNet();
  #origin = '';

  constructor(packages: readonly TestPackage[]) {
    this.files = packages.map(packageFile);
  }

  async start(): Promise<this> {
    this.#origin = await this.#net.serve((request, response) => void this.#answer(request, response));
    return this;
  }

  get url(): string {
    return `${this.#origin}/simple`;
  }

  get net(): TestNet {
    return this.#net;
  }

  /** How often any file was fetched. */
  get fetched(): number {
    return this.requests.filter((path) => path.startsWith('/files/')).length;
  }

  async end(): Promise<void> {
    await this.#net.end();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(request.url ?? '');
    if ((await this.intercept?.(request, response)) === true) return;
    const given = request.headers.authorization;
    if (this.password !== undefined && given !== `Basic ${Buffer.from(this.password).toString('base64')}`) {
      this.requests.push(`401 ${path}`);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="packages"' }).end();
      return;
    }
    this.requests.push(path);
    const [, location, name = ''] = path.split('/');
    const listed = this.files.filter(({ file }) => file.replaceAll('_', '-').startsWith(`${name}-`));
    const found = this.files.find(({ file }) => file === name);
    if (location === 'simple' && listed.length > 0) {
      const links = listed.map(
        ({ file, bytes }) => `<a href="../../files/${file}#sha256=${sha256(bytes)}">${file}</a>`,
      );
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<html><body>${links.join('\n')}</body></html>`);
    } else if (location === 'files' && found !== undefined) {
      response
        .writeHead(200, { 'content-length': found.bytes.length })
        .end(request.method === 'HEAD' ? '' : found.bytes);
    } else response.writeHead(404).end();
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function metadata(name: string, version: string, needs: readonly string[]): string {
  const lines = [`Metadata-Version: 2.1`, `Name: ${name}`, `Version: ${version}`];
  return [...lines, ...needs.map((need) => `Requires-Dist: ${need}`), ''].join('\n');
}

/** Minimal POSIX ustar for a source archive. */
function tar(files: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, text]) => {
    const content = Buffer.from(text);
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write('0000644\0', 100);
    head.write('0000000\0', 108);
    head.write('0000000\0', 116);
    head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    head.write('00000000000\0', 136);
    head.write('        0', 148);
    head.write('ustar\x0000', 257);
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [head, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
