import type { LineageGraph } from '@dais/api/lineage';
import type { LoggedModel } from '@dais/api/tracking';
import { Link, useNavigate } from '@tanstack/react-router';
import { LoggedModelPanels } from './logged-model-panels.tsx';
import { MODEL_STATES } from './model-states.ts';
import { useLoggedModel } from './use-logged-model.ts';
import { accessAddress, experimentAddress } from '#addresses.ts';
import { curlCommand } from '#kinds/curl-command.ts';
import { LineageStrip } from '#pages/lineage/lineage-strip.tsx';
import { useLineage } from '#pages/lineage/use-lineage.ts';
import { ArtifactBrowser } from '#pages/runs/artifacts/artifact-browser.tsx';
import { artifactRoot } from '#pages/runs/artifacts/preview-kind.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useSession } from '#server/session.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import '../runs/run-page.css';

/** A logged model, registered or not. */
export function LoggedModelPage() {
  const project = useCurrentProject();
  const { model: id = '' } = useAddressFields();
  const { model, error, again } = useLoggedModel(project, id);
  if (model !== undefined) return <Shown project={project} model={model} />;
  return (
    <div className="page">
      <PageHead title={`Logged model ${id.slice(0, 10)}`} />
      {error === null ? (
        <Skeleton rows={10} />
      ) : (
        <ErrorNote error={error} retry={again}>
          {error.code === 'forbidden' && (
            <p>
              <Link {...accessAddress(project, { action: 'loggedModel:read', resource: 'LoggedModel' })}>
                Show why and what would allow it
              </Link>
            </p>
          )}
        </ErrorNote>
      )}
    </div>
  );
}

function Shown({ project, model }: { readonly project: string; readonly model: LoggedModel }) {
  const navigate = useNavigate();
  const { file } = useAddressQuery();
  const graph = useLineage(project, `logged-model:${model.id}`);
  const root = artifactRoot(model.artifactUri);
  return (
    <div className="page">
      <PageHead
        title={`Logged model ${model.name}`}
        under={<Under project={project} model={model} graph={graph} />}
        actions={<CopyAs forms={useForms(project, model.id)} />}
      />
      {model.status === 'UPLOAD_FAILED' && (
        <p className="run-value">
          The upload of its files is incomplete{model.statusMessage === undefined ? '.' : `: ${model.statusMessage}`}
        </p>
      )}
      <LoggedModelPanels project={project} model={model} graph={graph} />
      {root === undefined ? (
        <p>
          The artifact location is outside of Dais: <code>{model.artifactUri}</code>.
        </p>
      ) : (
        <ArtifactBrowser
          project={project}
          root={root}
          file={file}
          open={(next) =>
            void navigate({ to: '.', search: (before: object) => ({ ...before, file: next }), replace: true })
          }
          live={model.status === 'PENDING'}
          nothing={{ sentence: 'No files. This model has no artifacts.' }}
        />
      )}
    </div>
  );
}

interface UnderProps {
  readonly project: string;
  readonly model: LoggedModel;
  readonly graph: LineageGraph | undefined;
}

function Under({ project, model, graph }: UnderProps) {
  const { id, name, experimentId, lifecycle, status, createdAt, type } = model;
  return (
    <>
      <StateBadge {...MODEL_STATES[status]} />
      {lifecycle === 'deleted' && <StateBadge state="off" word="deleted" />}
      {graph !== undefined && <LineageStrip project={project} graph={graph} self={name} />}
      <Link {...experimentAddress(project, experimentId)}>experiment</Link>
      {type !== undefined && <span>{type}</span>}
      <span>
        created <Time at={new Date(createdAt).toISOString()} />
      </span>
      <span className="run-id">
        <code title={id}>{id.slice(0, 10)}</code> <CopyButton text={id} label="Copy ID" />
      </span>
    </>
  );
}

function useForms(project: string, id: string) {
  const accounts = useSession()?.mode === 'accounts';
  const server = document.baseURI.replace(/\/$/, '');
  const python = `mlflow.get_logged_model(${JSON.stringify(id)})`;
  const load = `mlflow.pyfunc.load_model("models:/${id}")`;
  const path = `/api/v1/tracking/logged-models/${encodeURIComponent(id)}`;
  const curl = curlCommand({ server, accounts, project, path });
  return [
    { title: 'Python (mlflow)', preview: python, text: () => python },
    { title: 'Python (load the model)', preview: load, text: () => load },
    { title: 'curl command', preview: curl, text: () => curl },
    { title: 'Link to this page', text: () => location.href },
  ];
}
