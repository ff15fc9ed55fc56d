import type { DaisError } from '@dais/api';
import type { ModelSpec, ModelVersion } from '@dais/api/registry';
import { listArtifactsOperation } from '@dais/api/tracking';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useVersion, type ModelScope } from './use-registry.ts';
import { versionAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { artifactPath, readArtifactText } from '#server/read-artifact.ts';
import { MarkdownText } from '#ui/comments/markdown-text.tsx';
import '#ui/comments/comments.css';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

/** Common names of files that a training logs with the model. */
const CARD = /^(README|MODEL_?CARD)\.md$/i;
/** Maximum number of shown characters of a card. */
const MOST = 100_000;

export interface CardTabProps {
  readonly scope: ModelScope;
  readonly spec: ModelSpec;
  /** The version whose card is shown. */
  readonly version: number | undefined;
}

/** The purpose of the model, and the card of its author. */
export function CardTab({ scope, spec, version }: CardTabProps) {
  const { project, name } = scope;
  return (
    <div className="resource-overview">
      <Panel title="Purpose">
        <KeyValue
          label="Purpose"
          pairs={[
            { key: 'Description', value: spec.description ?? <span className="dim">none</span> },
            { key: 'Intended use', value: spec.intendedUse ?? <span className="dim">not specified</span> },
          ]}
        />
      </Panel>
      {version === undefined ? (
        <EmptyState sentence={`No model card yet. ${name} has no versions.`} />
      ) : (
        <VersionCard scope={scope} number={version} project={project} />
      )}
    </div>
  );
}

interface VersionCardProps {
  readonly scope: ModelScope;
  readonly project: string;
  readonly number: number;
}

function VersionCard({ scope, project, number }: VersionCardProps) {
  const { data: version, error } = useVersion(scope, String(number));
  const card = useCard(project, version);
  const title = `Model card of version ${number}`;
  const shown = error ?? card.error;
  if (shown !== null) return <ErrorNote error={shown} />;
  if (version === undefined || card.isLoading) return <Skeleton rows={6} />;
  const text = card.data ?? (version.description === '' ? undefined : version.description);
  return (
    <Panel title={title} actions={<Link {...versionAddress(project, scope.name, number)}>Metrics and approvals</Link>}>
      {text === undefined ? (
        <EmptyState
          sentence="No model card. Log a README.md with the model to describe its training data, quality and limits."
          command={`mlflow.log_text(card, "model/README.md")`}
        />
      ) : (
        <MarkdownText text={text.slice(0, MOST)} mentions={[]} user={(one) => one} />
      )}
    </Panel>
  );
}

function useCard(project: string, version: ModelVersion | undefined) {
  const client = useClient(project);
  const folder = version === undefined ? undefined : artifactPath(version.artifactUri);
  return useQuery<string | null, DaisError>({
    queryKey: ['model card', project, folder],
    queryFn: async ({ signal }) => {
      const path = folder ?? '';
      // Requesting a missing file by name would cause an error in the browser's log.
      const { items } = await client.perform(listArtifactsOperation, { path }, { signal });
      const file = items.find((item) => CARD.test(item.name) && !item.directory);
      if (file === undefined) return null;
      return (await readArtifactText(client, `${path}/${file.name}`, signal)) ?? null;
    },
    enabled: folder !== undefined,
    // The content is immutable.
    staleTime: Infinity,
  });
}
