import type { DaisError } from '@dais/api';
import { resumeEndpointOperation } from '@dais/api/serving';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { EndpointPlace, EndpointStatus } from './use-endpoint.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';

interface QuarantineNoteProps {
  readonly place: EndpointPlace;
  readonly status: EndpointStatus;
}

/** Lists the quarantined models of an endpoint with their reasons, and loads them again. */
export function QuarantineNote({ place, status }: QuarantineNoteProps) {
  const { project, name, key } = place;
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
    <section aria-label="Quarantined models">
      <h2>Quarantined models</h2>
      <ul>
        {quarantined.map(({ model, reason }) => (
          <li key={model}>
            {model}: {reason}
          </li>
        ))}
      </ul>
      {resume.error !== null && <ErrorNote error={resume.error} />}
      <GuardedButton
        size="compact-xs"
        variant="default"
        why={why}
        loading={resume.isPending}
        onClick={() => resume.mutate()}
      >
        Load again
      </GuardedButton>
    </section>
  );
}
