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

const start = [
  { text: 'What Dais is', link: '/' },
  { text: 'Ten-minute tutorial', link: '/tutorial/ten-minutes' },
  { text: 'Track your first model', link: '/tutorial/track-your-first-model' },
  { text: 'Your first pipeline', link: '/tutorial/your-first-pipeline' },
  { text: 'From CSV to a trusted dataset', link: '/tutorial/from-csv-to-a-trusted-dataset' },
  { text: 'Features without data leakage', link: '/tutorial/features-without-leakage' },
  { text: 'End-to-end example: flight delays', link: '/tutorial/a-year-of-flights' },
];

const guide = [
  { text: 'The console', link: '/guide/console' },
  { text: 'Apply from git', link: '/guide/apply-from-git' },
  { text: 'From a program', link: '/guide/from-a-program' },
  { text: 'Secrets and keys', link: '/guide/secrets' },
  { text: 'Alert channels', link: '/guide/alert-channels' },
  { text: 'Move from MLflow', link: '/guide/move-from-mlflow' },
  { text: 'Find runs', link: '/guide/find-runs' },
  { text: 'Keep data in versions', link: '/guide/datasets' },
  { text: 'Run a command', link: '/guide/run-a-command' },
  { text: 'Write a pipeline', link: '/guide/pipelines' },
  { text: 'Schedules', link: '/guide/schedules' },
  { text: 'Bring your Kubeflow pipeline', link: '/guide/bring-your-kubeflow-pipeline' },
  { text: 'What is understood of Kubeflow pipelines', link: '/guide/kfp-ir' },
  { text: 'Expect something of data', link: '/guide/data-quality' },
  { text: 'Bring your Feast repository', link: '/guide/bring-your-feast-repository' },
  { text: 'Trace what a program does', link: '/guide/trace' },
  { text: 'Follow where a model comes from', link: '/guide/lineage' },
  { text: 'Ask an endpoint: serving protocols', link: '/guide/serving-protocols' },
  { text: 'Be told by webhooks', link: '/guide/webhooks' },
  { text: 'Private data', link: '/guide/private-data' },
  { text: 'Labels that people gave', link: '/guide/labels' },
  { text: 'Predictions', link: '/guide/predictions' },
  { text: 'Monitor a model', link: '/guide/monitor-a-model' },
  { text: 'Monitoring without labels', link: '/guide/monitoring-without-labels' },
  { text: 'Model safety', link: '/guide/model-safety' },
  { text: 'Remove what was deleted', link: '/guide/take-away-garbage' },
  { text: 'Back up and restore', link: '/guide/backup-and-restore' },
  { text: 'PostgreSQL and S3 of your own', link: '/guide/production' },
  { text: 'Watch Dais with what you have', link: '/guide/observe-dais' },
  { text: 'Behind nginx', link: '/guide/behind-nginx' },
  { text: 'TLS', link: '/guide/tls' },
  { text: 'Secure a Dais for a team', link: '/guide/secure-a-dais-for-a-team' },
  { text: 'Write a policy', link: '/guide/write-a-policy' },
  { text: 'Approve a model', link: '/guide/approve-a-model' },
  { text: 'Serve a model', link: '/guide/serve-a-model' },
  { text: 'Predict for a whole dataset', link: '/guide/batch-predictions' },
  { text: 'Make a model answer faster', link: '/guide/tune-serving' },
  { text: 'Monitor a model', link: '/guide/monitor-a-model' },
  { text: 'Monitoring without labels', link: '/guide/monitoring-without-labels' },
  { text: 'Talk about runs and models', link: '/guide/comments' },
  { text: 'Sign in with your identity provider', link: '/guide/sign-in-with-your-identity-provider' },
  { text: 'Tokens for CI', link: '/guide/tokens-for-ci' },
  { text: 'Prove what happened', link: '/guide/prove-what-happened' },
  { text: 'Threat model', link: '/guide/threat-model' },
  { text: 'Isolation', link: '/guide/isolation' },
  { text: 'Compute quotas', link: '/guide/compute-quotas' },
  { text: 'Install without the internet', link: '/guide/air-gap' },
  { text: 'Upgrade', link: '/guide/upgrade' },
  { text: 'When something is wrong', link: '/guide/troubleshooting' },
];

const reference = [
  { text: 'Manifests', link: '/reference/manifest' },
  { text: 'Kinds', link: '/reference/kinds/', items: pages('reference/kinds'), collapsed: false },
  ...pages('reference').filter((page) => page.link !== '/reference/manifest'),
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
      { text: 'Tutorial', link: '/tutorial/ten-minutes' },
      { text: 'How to', link: '/guide/apply-from-git', activeMatch: '/guide/' },
      { text: 'Reference', link: '/reference/kinds/', activeMatch: '/reference/' },
      { text: 'Internals', link: '/internals/', activeMatch: '/internals/' },
      { text: 'Decisions', link: '/decisions/', activeMatch: '/decisions/' },
    ],
    sidebar: {
      '/': [
        { text: 'Start', items: start },
        { text: 'How to', items: guide },
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
