/** Sources of a package made into ES modules in few files: dependencies outside, code behind `import()` in files of its own. */
import { dirname, join, relative } from 'node:path';
import { build } from 'rolldown';

const DIST = '__DAIS_DIST__';

/**
 * `import.meta.url` of a module in a chunk is the location of its source: from there it locates programs and files.
 * @param {string} source
 * @param {string} dir
 * @param {string} dist
 * @returns {import('rolldown').Plugin}
 */
function placed(source, dir, dist) {
  return {
    name: 'placed',
    transform(code, id) {
      if (!id.startsWith(source) || !code.includes('import.meta.url')) return null;
      const own = JSON.stringify(relative(source, id).replace(/\.ts$/, '.js'));
      return { code: code.replaceAll('import.meta.url', `new URL(${own}, ${DIST}).href`) };
    },
    renderChunk(code, { fileName }) {
      if (!code.includes(DIST)) return null;
      const up = `${relative(join(dir, dirname(fileName)), dist) || '.'}/`;
      return { code: code.replaceAll(DIST, `new URL(${JSON.stringify(up)}, import.meta.url)`) };
    },
  };
}

/**
 * @param {object} options
 * @param {string} options.source the folder of the package's sources
 * @param {Record<string, string>} options.input names of entries in `dir`, and their files
 * @param {string} options.dir where it is written
 * @param {string} [options.dist] where the package is built, when that is elsewhere: it contains the programs that the
 * package starts
 * @param {'node' | 'neutral'} [options.platform]
 * @param {readonly string[] | undefined} [options.programs] entries with a first line that names node
 */
export async function bundle({ source, input, dir, dist = dir, platform = 'node', programs = [] }) {
  await build({
    input,
    platform,
    external: (id) => !/^[.#/]/.test(id),
    resolve: { conditionNames: ['dais-source', 'node', 'import', 'default'] },
    plugins: [placed(source, dir, dist)],
    // An unresolved import would fail only at run time.
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
    output: {
      dir,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
      banner: (chunk) => (programs.includes(chunk.fileName) ? '#!/usr/bin/env node' : ''),
    },
  });
}
