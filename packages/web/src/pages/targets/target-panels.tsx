import { countNoun, type Resource } from '@dais/api';
import { targetKind, type ComputeNode, type TargetSpec } from '@dais/api/executions';
import { Link } from '@tanstack/react-router';
import {
  isCluster,
  labelsText,
  maxTasks,
  newestProbe,
  targetResources,
  tolerationText,
  type ProbeResult,
} from './target-words.ts';
import { useProbe, useTargetUse } from './use-targets.ts';
import { computeAddress, nodesAddress } from '#addresses.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { amountText, resourceTitle } from '#pages/executions/compute-words.ts';
import { useNow } from '#ui/clock.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge, StateShape } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';
import { UsageMeter } from '#ui/usage-meter.tsx';
import { withCode } from '#ui/with-code.tsx';
import './targets.css';

export interface TargetPanelsProps {
  readonly resource: Resource;
  readonly project: string;
}

/** State, test, resources and pools of a compute target. */
export function TargetPanels({ resource, project }: TargetPanelsProps) {
  if (!isCluster(resource)) {
    return (
      <p className="dim">
        Steps run as processes on the machines of the server: see <Link {...nodesAddress()}>nodes</Link> and{' '}
        <Link {...computeAddress(project)}>compute</Link>.
      </p>
    );
  }
  return <ClusterPanels resource={resource} project={project} />;
}

function ClusterPanels({ resource, project }: TargetPanelsProps) {
  const { name } = resource.metadata;
  const test = useProbe(name);
  const probe = newestProbe(resource, test.data);
  const node = useTargetUse(project).get(name);
  const why = useWhyNot(targetKind, project, resource)('update');
  const start = () =>
    test.mutate(undefined, {
      onSuccess: ({ ready, problems }) =>
        toast(
          ready
            ? { title: `Target ${name} is ready` }
            : { title: `Target ${name} is not ready`, text: countNoun(problems.length, 'problem'), state: 'waiting' },
        ),
    });
  return (
    <>
      <Panel
        title="State"
        actions={
          <GuardedButton
            why={why}
            variant="default"
            hint="Tests the connection, the permissions and the nodes, and runs a small step in a pod."
            loading={test.isPending}
            onClick={start}
          >
            Test target
          </GuardedButton>
        }
      >
        {test.isPending && <Progress started={test.submittedAt} />}
        {test.error !== null && <ErrorNote error={test.error} />}
        {probe === undefined ? (
          <p className="dim">Not tested yet. Dais tests new targets within a minute.</p>
        ) : (
          <Result probe={probe} />
        )}
      </Panel>
      {probe !== undefined && <Resources probe={probe} target={resource} node={node} />}
      <Pools pools={(resource.spec as Partial<TargetSpec>).pools ?? {}} />
    </>
  );
}

function Progress({ started }: { readonly started: number }) {
  const seconds = Math.max(0, Math.round((useNow() - started) / 1000));
  return (
    <p role="status">
      <StateBadge state="running" word="Testing" /> for {seconds} s. A test with a pod takes up to 2 minutes.
    </p>
  );
}

function Result({ probe }: { readonly probe: ProbeResult }) {
  const { ready, probedAt, version, nodes, features = [], problems = [], warnings = [] } = probe;
  const facts = [
    ...(version === undefined ? [] : [{ key: 'version', value: `Kubernetes ${version}` }]),
    ...(version === undefined || nodes === undefined
      ? []
      : [{ key: 'nodes', value: nodes.toLocaleString('en'), about: 'Nodes that accept pods of the target.' }]),
    ...(features.length === 0 ? [] : [{ key: 'features', value: features.join(', ') }]),
  ];
  return (
    <>
      <p>
        <StateBadge state={ready ? 'ok' : 'failed'} word={ready ? 'Steps can run there' : 'Steps cannot run there'} />{' '}
        {probedAt !== undefined && (
          <span className="dim">
            Tested <Time at={probedAt} />
          </span>
        )}
      </p>
      {problems.length + warnings.length > 0 && (
        <ul className="target-findings" aria-label="Problems and warnings">
          {problems.map((text) => (
            <Finding key={text} state="failed" text={text} />
          ))}
          {warnings.map((text) => (
            <Finding key={text} state="warning" text={text} />
          ))}
        </ul>
      )}
      {facts.length > 0 && <KeyValue label="Cluster" pairs={facts} />}
    </>
  );
}

function Finding({ state, text }: { readonly state: 'failed' | 'warning'; readonly text: string }) {
  return (
    <li>
      <StateShape state={state} />
      <span>
        <span className="out-of-sight">{state === 'failed' ? 'Problem: ' : 'Warning: '}</span>
        {withCode(text)}
      </span>
    </li>
  );
}

interface ResourcesProps {
  readonly probe: ProbeResult;
  readonly target: Resource;
  readonly node: ComputeNode | undefined;
}

function Resources({ probe, target, node }: ResourcesProps) {
  const most = maxTasks(target) ?? 0;
  const running = node?.runningSteps ?? 0;
  const steps = {
    name: 'steps',
    title: 'Running steps',
    used: running,
    total: most,
    usedText: running.toLocaleString('en'),
    totalText: most.toLocaleString('en'),
    largestText: '',
  };
  const resources = targetResources(probe, node).map(({ name, used, total, largest }) => ({
    name,
    title: resourceTitle(name),
    used,
    total,
    usedText: amountText(name, used),
    totalText: amountText(name, total),
    largestText: largest === undefined ? '' : amountText(name, largest),
  }));
  return (
    <Panel title="Resources" flush>
      <PlainTable
        label="Resources of the target"
        rows={[steps, ...resources]}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Resource', cell: ({ title }) => title },
          {
            title: 'Requested',
            narrow: true,
            about: 'Sum of the requests of running steps of all projects.',
            cell: ({ usedText }) => usedText,
          },
          {
            title: 'Total',
            narrow: true,
            about: 'Maximum, or what the nodes have together.',
            cell: ({ totalText }) => totalText,
          },
          {
            title: 'Used (%)',
            cell: ({ title, used, total, usedText, totalText }) => (
              <UsageMeter label={title} used={used} limit={total} text={`${usedText} of ${totalText}`} />
            ),
          },
          {
            title: 'Largest step',
            narrow: true,
            about: 'Maximum request of one step.',
            cell: ({ largestText }) => largestText,
          },
        ]}
      />
    </Panel>
  );
}

function Pools({ pools }: { readonly pools: NonNullable<TargetSpec['pools']> }) {
  const rows = Object.entries(pools);
  if (rows.length === 0) return null;
  return (
    <Panel title="Pools" flush>
      <PlainTable
        label="Pools of nodes"
        rows={rows}
        keyOf={([name]) => name}
        columns={[
          { title: 'Pool', narrow: true, cell: ([name]) => name },
          {
            title: 'Devices',
            about: 'A step that requests one of them and names no pool runs in this one.',
            cell: ([, { resources = [] }]) => resources.join(', '),
          },
          { title: 'Spot', narrow: true, cell: ([, { spot = false }]) => (spot ? 'yes' : 'no') },
          { title: 'Node selector', cell: ([, { nodeSelector }]) => labelsText(nodeSelector) },
          { title: 'Tolerations', cell: ([, { tolerations = [] }]) => tolerations.map(tolerationText).join(', ') },
          { title: 'Description', cell: ([, { description = '' }]) => description },
        ]}
      />
    </Panel>
  );
}
