import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const docs = fileURLToPath(new URL('..', import.meta.url));

/** Pages of a folder in the order of their file names, each with its first heading. */
function pages(folder: string) {
  return readdirSync(join(docs, folder))
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .toSorted()
    .map((name) => {
      const heading = /^# (.+)$/m.exec(readFileSync(join(docs, folder, name), 'utf8'))?.[1] ?? name;
      return { text: heading, link: `/${folder}/${name.replace(/\.md$/, '')}` };
    });
}

/** Links to pages of a folder, in this order, each with its first heading. */
function named(folder: string, names: readonly string[]) {
  const all = pages(folder);
  return names.map((name) => {
    const found = all.find((page) => page.link === `/${folder}/${name}`);
    if (found === undefined) throw new Error(`docs/${folder}/${name}.md is in the navigation but does not exist.`);
    return found;
  });
}

const start = [
  { text: 'What Dais is', link: '/' },
  ...named('tutorial', [
    'ten-minutes',
    'track-your-first-model',
    'your-first-pipeline',
    'from-csv-to-a-trusted-dataset',
    'features-without-leakage',
    'a-year-of-flights',
  ]),
];

/** Guides by topic; every file of docs/guide is in one of them. */
const guideTopics: Readonly<Record<string, readonly string[]>> = {
  'Work with Dais': ['console', 'apply-from-git', 'api-clients', 'secrets', 'webhooks', 'comments', 'lineage'],
  'Experiment tracking and registry': [
    'migrate-from-mlflow',
    'import-runs',
    'unbroken-training',
    'search-runs',
    'tracing',
    'opentelemetry',
    'approve-a-model',
    'model-scanning',
  ],
  'Jobs and pipelines': [
    'run-a-command',
    'pipelines',
    'schedules',
    'migrate-a-kubeflow-pipeline',
    'kfp-ir',
    'compute-quotas',
    'usage',
  ],
  'Data and features': ['datasets', 'data-quality', 'private-data', 'labeling', 'use-a-feast-repository'],
  'Model serving': ['serve-a-model', 'serving-protocols', 'tune-serving', 'predictions', 'batch-predictions'],
  'Model monitoring': ['monitor-a-model', 'monitoring-without-ground-truth', 'alert-channels'],
  'Access control and audit': [
    'secure-a-dais-for-a-team',
    'single-sign-on',
    'provisioning',
    'workload-identity',
    'write-a-policy',
    'audit-log',
    'isolation',
    'threat-model',
  ],
  Operations: [
    'install',
    'production',
    'kubernetes',
    'behind-nginx',
    'tls',
    'backup-and-restore',
    'point-in-time-recovery',
    'upgrade',
    'observability',
    'garbage-collection',
    'air-gap',
    'troubleshooting',
  ],
};

const unlisted = pages('guide').filter(
  ({ link }) => !Object.values(guideTopics).some((names) => names.some((name) => link === `/guide/${name}`)),
);
if (unlisted.length > 0) {
  throw new Error(`Add these guides to docs/.vitepress/config.ts: ${unlisted.map(({ link }) => link).join(', ')}`);
}

const guide = Object.entries(guideTopics).map(([topic, names]) => ({
  text: topic,
  items: named('guide', names),
  collapsed: true,
}));

const reference = [
  { text: 'Glossary', link: '/reference/glossary' },
  { text: 'Manifests', link: '/reference/manifest' },
  { text: 'Kinds', link: '/reference/kinds/', items: pages('reference/kinds'), collapsed: false },
  ...pages('reference').filter(({ link }) => link !== '/reference/manifest' && link !== '/reference/glossary'),
];

export default defineConfig({
  title: 'Dais',
  description: 'The ML platform that needs no new SDK',
  lang: 'en',
  // Where a running server shows this site; problem documents point to /docs/reference/errors.
  base: '/docs/',
  cleanUrls: true,
  lastUpdated: false,
  srcExclude: ['node_modules/**', 'README.md'],
  head: [['link', { rel: 'icon', href: '/docs/favicon.svg', type: 'image/svg+xml' }]],
  themeConfig: {
    logo: '/favicon.svg',
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [
      { text: 'Tutorial', link: '/tutorial/ten-minutes', activeMatch: '/tutorial/' },
      { text: 'Guides', link: '/guide/console', activeMatch: '/guide/' },
      { text: 'Reference', link: '/reference/kinds/', activeMatch: '/reference/' },
      { text: 'Glossary', link: '/reference/glossary' },
      { text: 'Internals', link: '/internals/', activeMatch: '/internals/' },
      { text: 'Decisions', link: '/decisions/', activeMatch: '/decisions/' },
    ],
    sidebar: {
      '/': [
        { text: 'Start', items: start },
        { text: 'Guides', items: guide },
        { text: 'Reference', items: reference },
      ],
      '/internals/': [{ text: 'Internals', link: '/internals/', items: pages('internals') }],
      '/decisions/': [{ text: 'Decisions', link: '/decisions/', items: pages('decisions') }],
    },
    footer: { message: 'Apache License 2.0' },
  },
  /** Files of the reference that are no pages: schemas and the OpenAPI document keep their addresses. */
  buildEnd: ({ outDir }) => {
    for (const entry of readdirSync(join(docs, 'reference'), { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.json')) continue;
      mkdirSync(join(outDir, 'reference', entry, '..'), { recursive: true });
      copyFileSync(join(docs, 'reference', entry), join(outDir, 'reference', entry));
    }
  },
});
