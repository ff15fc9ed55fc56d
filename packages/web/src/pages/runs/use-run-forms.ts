import type { RunsOf } from './use-runs.ts';
import { curlCommand } from '#kinds/curl-command.ts';
import { useSession } from '#server/session.ts';
import type { CopyForm } from '#ui/copy-as.tsx';

/** Copy formats of the query: notebook, shell and link. */
export function useRunForms({ project, experiments = [], query }: RunsOf): readonly CopyForm[] {
  const accounts = useSession()?.mode === 'accounts';
  const { filter, orderBy } = query;
  const python = () =>
    `mlflow.search_runs(${[
      `experiment_ids=${JSON.stringify(experiments)}`,
      ...(filter === '' ? [] : [`filter_string=${JSON.stringify(filter)}`]),
      ...(orderBy.length === 0 ? [] : [`order_by=${JSON.stringify(orderBy)}`]),
    ].join(', ')})`;
  const curl = () =>
    curlCommand({
      server: document.baseURI.replace(/\/$/, ''),
      accounts,
      project,
      path: '/api/v1/tracking/search/runs',
      json: { experimentIds: experiments, ...(filter !== '' && { filter }), ...(orderBy.length > 0 && { orderBy }) },
    });
  return [
    { title: 'Python (mlflow)', preview: python(), text: python },
    { title: 'curl command', preview: curl(), text: curl },
    { title: 'Link to this page', text: () => location.href },
  ];
}
