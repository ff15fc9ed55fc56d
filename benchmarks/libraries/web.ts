/** The console: what a library adds to a page, compressed, and the time of the Markdown parser. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { parseMarkdown } from '../../packages/web/src/ui/comments/markdown.ts';
import type { Candidates } from './candidates.ts';
import { compare } from './compare.ts';

/** What React and its parts weigh is on every page already. */
const EXTERNAL = [/^react(-dom)?(\/|$)/];

const CARD = `# Trip duration

Predicts the duration of a **taxi trip** in minutes, see [the notebook](https://example.com/notebook).

| metric | value | baseline |
| ------ | ----: | -------: |
| mae    |  4.12 |     5.90 |
| rmse   |  6.80 |     8.11 |

- trained on January
  1. without trips of more than 2 h
  2. without airports
- not for forecasts

> Errors grow at night.

\`\`\`python
model.predict(rows)
\`\`\`
`;

export async function compareWeb(candidates: Candidates): Promise<void> {
  const own = fileURLToPath(new URL('../../packages/web/src/ui/comments/markdown.ts', import.meta.url));
  console.log(`  the Markdown parser (mdast-util-from-markdown with GFM): ${await kilobytes(own)} kB, gzip`);
  await compare(`a model card of ${CARD.length} characters`, () => parseMarkdown(CARD), undefined);
  console.log(` ${candidates.facts('@tanstack/react-table')}`);
  if (candidates.folder === undefined) return;
  const entry = join(candidates.folder, 'bundle-candidate.mjs');
  await writeFile(entry, `export * from '@tanstack/react-table';\n`);
  console.log(`  @tanstack/react-table: ${await kilobytes(entry)} kB, gzip`);
}

async function kilobytes(input: string): Promise<string> {
  const bundle = await rolldown({ input, external: EXTERNAL, platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  const bytes = output.reduce((sum, part) => sum + ('code' in part ? gzipSync(part.code, { level: 9 }).length : 0), 0);
  return (bytes / 1000).toFixed(1);
}
