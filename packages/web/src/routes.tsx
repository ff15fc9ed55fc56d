/** The route table with all pages of the console. All modules except the frame load on first use. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { PageFailure } from '#frame/page-failure.tsx';
import { PageMissing } from '#frame/page-missing.tsx';
import { Doorway } from '#pages/sign-in/doorway.tsx';

const root = createRootRoute({ component: Doorway, notFoundComponent: PageMissing });

const page = (path: string, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => root, path, component });

const list = lazyRouteComponent(() => import('#kinds/list-page.tsx'), 'ListPage');
const resource = lazyRouteComponent(() => import('#kinds/resource-page.tsx'), 'ResourcePage');
const edit = lazyRouteComponent(() => import('#kinds/edit-page.tsx'), 'EditPage');
const events = lazyRouteComponent(() => import('#pages/events/events-page.tsx'), 'EventsPage');

const usage = lazyRouteComponent(() => import('#pages/usage/usage-page.tsx'), 'UsagePage');
const audit = lazyRouteComponent(() => import('#pages/audit/audit-page.tsx'), 'AuditPage');

/**
 * The same pages for kinds of a project and of the organization. Fixed segments win over `$plural`: no kind has such a
 * name.
 */
const kindPages = ['/projects/$project', '/organization'].flatMap((location) => [
  page(`${location}/events`, events),
  page(`${location}/audit`, audit),
  page(`${location}/usage`, usage),
  page(`${location}/create/$plural`, edit),
  page(`${location}/change/$plural/$name`, edit),
  page(`${location}/$plural`, list),
  page(`${location}/$plural/$name`, resource),
]);

const nodesPage = page(
  '/organization/nodes',
  lazyRouteComponent(() => import('#pages/nodes/nodes-page.tsx'), 'NodesPage'),
);

const targetsPage = page(
  '/organization/targets',
  lazyRouteComponent(() => import('#pages/targets/targets-page.tsx'), 'TargetsPage'),
);

/** Model registry: versions, aliases and approvals. */
const modelPages = [
  page(
    '/projects/$project/models',
    lazyRouteComponent(() => import('#pages/models/models-page.tsx'), 'ModelsPage'),
  ),
  page(
    '/projects/$project/models/$name',
    lazyRouteComponent(() => import('#pages/models/model-page.tsx'), 'ModelPage'),
  ),
  page(
    '/projects/$project/models/$name/compare',
    lazyRouteComponent(() => import('#pages/models/compare-page.tsx'), 'CompareVersionsPage'),
  ),
  page(
    '/projects/$project/models/$name/versions/$version',
    lazyRouteComponent(() => import('#pages/models/version-page.tsx'), 'VersionPage'),
  ),
  page(
    '/projects/$project/prompts',
    lazyRouteComponent(() => import('#pages/prompts/prompts-page.tsx'), 'PromptsPage'),
  ),
  page(
    '/projects/$project/prompts/$name',
    lazyRouteComponent(() => import('#pages/prompts/prompt-page.tsx'), 'PromptPage'),
  ),
];

/** Traces. */
const tracePages = [
  page(
    '/projects/$project/traces',
    lazyRouteComponent(() => import('#pages/traces/traces-page.tsx'), 'TracesPage'),
  ),
  page(
    '/projects/$project/traces/$trace',
    lazyRouteComponent(() => import('#pages/traces/trace-page.tsx'), 'TracePage'),
  ),
];

/** Experiments and runs. */
const trainingPages = [
  page(
    '/projects/$project/experiments',
    lazyRouteComponent(() => import('#pages/experiments/experiments-page.tsx'), 'ExperimentsPage'),
  ),
  page(
    '/projects/$project/experiments/$experiment',
    lazyRouteComponent(() => import('#pages/runs/runs-page.tsx'), 'RunsPage'),
  ),
  page(
    '/projects/$project/runs/$run',
    lazyRouteComponent(() => import('#pages/runs/run-page.tsx'), 'RunPage'),
  ),
  page(
    '/projects/$project/logged-models/$model',
    lazyRouteComponent(() => import('#pages/logged-models/logged-model-page.tsx'), 'LoggedModelPage'),
  ),
  page(
    '/projects/$project/compare',
    lazyRouteComponent(() => import('#pages/compare/compare-page.tsx'), 'ComparePage'),
  ),
];

/** Executions. */
const executionPages = [
  page(
    '/projects/$project/executions',
    lazyRouteComponent(() => import('#pages/executions/executions-page.tsx'), 'ExecutionsPage'),
  ),
  // A fixed segment wins over an id.
  page(
    '/projects/$project/executions/compare',
    lazyRouteComponent(() => import('#pages/executions/compare-executions-page.tsx'), 'CompareExecutionsPage'),
  ),
  page(
    '/projects/$project/executions/$execution',
    lazyRouteComponent(() => import('#pages/executions/execution-page.tsx'), 'ExecutionPage'),
  ),
  page(
    '/projects/$project/compute',
    lazyRouteComponent(() => import('#pages/executions/compute-page.tsx'), 'ComputePage'),
  ),
];

const datasets = lazyRouteComponent(() => import('#pages/data/datasets-page.tsx'), 'DatasetsPage');

/** Datasets and features. */
const dataPages = [
  createRoute({
    getParentRoute: () => root,
    path: '/projects/$project/data',
    beforeLoad: ({ params, search }) => {
      throw redirect({ to: '/projects/$project/datasets', params, search, replace: true });
    },
  }),
  page('/projects/$project/datasets', datasets),
  page(
    '/projects/$project/datasets/$name',
    lazyRouteComponent(() => import('#pages/data/dataset-page.tsx'), 'DatasetPage'),
  ),
  page(
    '/projects/$project/datasets/$name/compare',
    lazyRouteComponent(() => import('#pages/data/compare-versions-page.tsx'), 'CompareDatasetVersionsPage'),
  ),
  page(
    '/projects/$project/datasets/$name/versions/$version',
    lazyRouteComponent(() => import('#pages/data/dataset-version-page.tsx'), 'DatasetVersionPage'),
  ),
  page(
    '/projects/$project/findings',
    lazyRouteComponent(() => import('#pages/data/findings-page.tsx'), 'FindingsPage'),
  ),
  page(
    '/projects/$project/labels',
    lazyRouteComponent(() => import('#pages/labels/labels-page.tsx'), 'LabelsPage'),
  ),
  page(
    '/projects/$project/labels/$name',
    lazyRouteComponent(() => import('#pages/labels/label-set-page.tsx'), 'LabelSetPage'),
  ),
  page(
    '/projects/$project/featureviews',
    lazyRouteComponent(() => import('#pages/features/features-page.tsx'), 'FeaturesPage'),
  ),
  page(
    '/projects/$project/featureviews/$name',
    lazyRouteComponent(() => import('#pages/features/feature-view-page.tsx'), 'FeatureViewPage'),
  ),
  page(
    '/projects/$project/featureservices/$name',
    lazyRouteComponent(() => import('#pages/features/feature-service-page.tsx'), 'FeatureServicePage'),
  ),
];

/** Endpoints and predictions. */
const servingPages = [
  page(
    '/projects/$project/endpoints',
    lazyRouteComponent(() => import('#pages/endpoints/endpoints-page.tsx'), 'EndpointsPage'),
  ),
  page(
    '/projects/$project/endpoints/$name',
    lazyRouteComponent(() => import('#pages/endpoints/endpoint-page.tsx'), 'EndpointPage'),
  ),
  page(
    '/projects/$project/monitors',
    lazyRouteComponent(() => import('#pages/monitors/monitors-page.tsx'), 'MonitorsPage'),
  ),
  page(
    '/projects/$project/monitors/$name',
    lazyRouteComponent(() => import('#pages/monitors/monitor-page.tsx'), 'MonitorPage'),
  ),
  page(
    '/projects/$project/batches',
    lazyRouteComponent(() => import('#pages/batches/batches-page.tsx'), 'BatchesPage'),
  ),
  page(
    '/projects/$project/batches/$job',
    lazyRouteComponent(() => import('#pages/batches/batch-page.tsx'), 'BatchPage'),
  ),
  page(
    '/projects/$project/predictions',
    lazyRouteComponent(() => import('#pages/predictions/predictions-page.tsx'), 'PredictionsPage'),
  ),
  page(
    '/projects/$project/predictions/$endpoint/$prediction',
    lazyRouteComponent(() => import('#pages/predictions/prediction-page.tsx'), 'PredictionPage'),
  ),
];

const lineagePage = page(
  '/projects/$project/lineage',
  lazyRouteComponent(() => import('#pages/lineage/lineage-page.tsx'), 'LineagePage'),
);

const access = lazyRouteComponent(() => import('#pages/access/access-page.tsx'), 'AccessPage');

/** Users, sign-in and permissions. */
const personPages = [
  page(
    '/projects/$project/mentions',
    lazyRouteComponent(() => import('#pages/mentions/mentions-page.tsx'), 'MentionsPage'),
  ),
  page('/projects/$project/access', access),
  // For links without a project: the project of the last page.
  page('/access', access),
  page('/audit', audit),
  page(
    '/sign-in',
    lazyRouteComponent(() => import('#pages/sign-in/sign-in-page.tsx'), 'SignInPage'),
  ),
  page(
    '/invitation',
    lazyRouteComponent(() => import('#pages/invitation/invitation-page.tsx'), 'InvitationPage'),
  ),
  page(
    '/account',
    lazyRouteComponent(() => import('#pages/account/account-page.tsx'), 'AccountPage'),
  ),
  page(
    '/account/tokens',
    lazyRouteComponent(() => import('#pages/tokens/tokens-page.tsx'), 'TokensPage'),
  ),
  page(
    '/account/sessions',
    lazyRouteComponent(() => import('#pages/sessions/sessions-page.tsx'), 'SessionsPage'),
  ),
  page(
    '/device',
    lazyRouteComponent(() => import('#pages/device/device-page.tsx'), 'DevicePage'),
  ),
];

/** The stories of the components, in development only: builds exclude them. */
const stories = import.meta.env.DEV
  ? [
      page(
        '/__ui',
        lazyRouteComponent(() => import('#ui/stories.tsx'), 'StoriesPage'),
      ),
    ]
  : [];

/** `basePath`: path under which a proxy serves the console; empty, or with a leading slash. */
export function createConsoleRouter(basePath: string) {
  return createRouter({
    routeTree: root.addChildren([
      page(
        '/',
        lazyRouteComponent(() => import('#pages/home/home-page.tsx'), 'HomePage'),
      ),
      ...personPages,
      nodesPage,
      targetsPage,
      ...kindPages,
      ...trainingPages,
      ...executionPages,
      ...modelPages,
      ...dataPages,
      ...servingPages,
      ...tracePages,
      lineagePage,
      ...stories,
    ]),
    basepath: basePath === '' ? '/' : basePath,
    // URLs are readable: `?labels=team=vision`, not JSON.
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => searchText(search as Readonly<Record<string, string | undefined>>),
    defaultErrorComponent: PageFailure,
    // Longer than the load of almost every chunk, so that no skeleton flashes.
    defaultPendingMs: 150,
    scrollRestoration: false,
  });
}

function searchText(search: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(search).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const text = new URLSearchParams(given).toString().replaceAll('%3D', '=').replaceAll('%2C', ',');
  return text === '' ? '' : `?${text}`;
}
