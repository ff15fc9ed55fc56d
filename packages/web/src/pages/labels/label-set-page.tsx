import { countNoun, type DaisError } from '@dais/api';
import { acceptAgreedOperation, publishLabelsOperation } from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { AgreementPanel } from './agreement-panel.tsx';
import { Accepted } from './labels-page.tsx';
import { TaskList } from './task-list.tsx';
import { labelsKey, useLabelSet, useLabelTasks, type TaskChoice } from './use-labels.ts';
import { datasetVersionAddress, labelsAddress, labelSetAddress, namedAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { countText } from '#pages/data/data-words.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { toast } from '#ui/toast.ts';
import '#ui/label-chip.css';
import './labels.css';

const CHOICES: readonly { readonly value: TaskChoice; readonly label: string }[] = [
  { value: 'labeled', label: 'waiting for review' },
  { value: 'disagreed', label: 'waiting, labels differ' },
  { value: 'open', label: 'unlabeled' },
  { value: 'accepted', label: 'accepted' },
  { value: 'rejected', label: 'rejected' },
];

/** One label set: tasks that need a decision first, and the agreement of annotators. */
export function LabelSetPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  return <OneSet key={`${project} ${name}`} project={project} name={name} />;
}

function OneSet({ project, name }: { readonly project: string; readonly name: string }) {
  const { data: set, error, refetch } = useLabelSet(project, name);
  const { tasks: requested } = useAddressQuery();
  const navigate = useNavigate();
  const choice = CHOICES.find(({ value }) => value === requested)?.value ?? 'labeled';
  const found = useLabelTasks(project, name, choice);
  const title = `Label set ${name}`;
  if (set === undefined) {
    return (
      <div className="page">
        <PageHead title={title} />
        {error === null ? (
          <Skeleton rows={8} />
        ) : (
          <ErrorNote error={error} retry={() => void refetch()}>
            <p>
              <Link {...labelsAddress(project)}>All label sets</Link>
            </p>
          </ErrorNote>
        )}
      </div>
    );
  }
  const of = set.version?.split('@')[1];
  const address =
    of === undefined ? namedAddress('Dataset', project, set.dataset) : datasetVersionAddress(project, set.dataset, of);
  return (
    <div className="page">
      <PageHead
        title={title}
        under={
          <>
            <Link {...labelsAddress(project)}>Label sets</Link>
            <span>
              of {address === undefined ? set.dataset : <Link {...address}>{set.version ?? set.dataset}</Link>}
            </span>
            <Accepted accepted={set.accepted} tasks={set.tasks} />
            <span>{set.guideline === 0 ? 'no guideline' : `guideline ${set.guideline}`}</span>
          </>
        }
        actions={<Actions project={project} name={name} accepted={set.accepted} />}
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      <AgreementPanel project={project} name={name} />
      <Panel
        title="Tasks"
        flush
        actions={
          <Select
            aria-label="State of tasks"
            size="xs"
            value={choice}
            data={[...CHOICES]}
            allowDeselect={false}
            onChange={(value) =>
              void navigate({
                ...labelSetAddress(project, name, value === null || value === 'labeled' ? {} : { tasks: value }),
                replace: true,
              })
            }
          />
        }
      >
        <TaskList project={project} name={name} found={found} />
      </Panel>
    </div>
  );
}

interface ActionsProps {
  readonly project: string;
  readonly name: string;
  readonly accepted: number;
}

function Actions({ project, name, accepted }: ActionsProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const why = useWhyNotDo(project, 'LabelSet', ['labelset:review', 'labelset:publish']);
  const onError = ({ message }: DaisError) => toast({ title: 'The action failed', text: message, state: 'failed' });
  const onSettled = () => void queries.invalidateQueries({ queryKey: labelsKey(project) });
  const accept = useMutation<{ readonly accepted: number; readonly left: number }, DaisError>({
    mutationFn: async () => await client.perform(acceptAgreedOperation, { set: name }),
    onSuccess: ({ accepted: count, left }) =>
      toast({ title: `${countText(count)} accepted`, text: `Waiting for review: ${countNoun(left, 'task')}.` }),
    onError,
    onSettled,
  });
  const publish = useMutation<{ readonly dataset: string }, DaisError>({
    mutationFn: async () => await client.perform(publishLabelsOperation, { set: name }),
    onSuccess: ({ dataset }) =>
      toast({
        title: 'Creating a version',
        text: `The accepted labels become the next version of ${dataset}.`,
        state: 'waiting',
      }),
    onError,
    onSettled,
  });
  const forms = useCopyForms({
    command: daisCommand(['labels', 'tasks', name], project),
    call: { project, path: `/api/v1/labels/sets/${encodeURIComponent(name)}` },
  });
  return (
    <>
      <CopyAs forms={forms} />
      <GuardedButton
        why={why('labelset:review')}
        hint="Accepts labels on which at least two annotators agree and none disagrees, except your own"
        variant="default"
        loading={accept.isPending}
        onClick={() => accept.mutate()}
      >
        Accept agreed labels
      </GuardedButton>
      <GuardedButton
        why={accepted === 0 ? 'Accept labels first.' : why('labelset:publish')}
        loading={publish.isPending}
        onClick={() => publish.mutate()}
      >
        Create dataset version
      </GuardedButton>
    </>
  );
}
