import type { DaisError } from '@dais/api';
import { resumeEndpointOperation } from '@dais/api/serving';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { EndpointScope, EndpointStatus } from './use-endpoint.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Time } from '#ui/time.tsx';
import './endpoints.css';

interface QuarantineNoteProps {
  readonly scope: EndpointScope;
  readonly status: EndpointStatus;
}

/** Lists the quarantined models of an endpoint with their reasons, and loads them again. */
export function QuarantineNote({ scope, status }: QuarantineNoteProps) {
  const { project, name, key } = scope;
  const client = useClient(project);
  const queries = useQueryClient();
  const why = useWhyNotDo(project, 'Endpoint', ['endpoint:deploy'], name)('endpoint:deploy');
  const resume = useMutation<unknown, DaisError>({
    mutationFn: async () => await client.perform(resumeEndpointOperation, { endpoint: name, reason: '' }),
    onSettled: () => void queries.invalidateQueries({ queryKey: key }),
  });
  const { quarantined = [] } = status;
  if (quarantined.length === 0) return null;
  return (
    <Panel
      title="Quarantined models"
      flush
      actions={
        <GuardedButton variant="default" why={why} loading={resume.isPending} onClick={() => resume.mutate()}>
          {quarantined.length === 1 ? 'Reload model' : 'Reload models'}
        </GuardedButton>
      }
    >
      {resume.error !== null && <ErrorNote error={resume.error} />}
      <PlainTable
        label="Models in quarantine"
        rows={quarantined}
        keyOf={({ model }) => model}
        columns={[
          { title: 'Model', narrow: true, cell: ({ model }) => model },
          { title: 'Reason', cell: ({ reason }) => <div className="quarantine-reason">{reason}</div> },
          { title: 'Quarantined at', narrow: true, cell: ({ at }) => <Time at={at} /> },
        ]}
      />
    </Panel>
  );
}
