import type { Change, DaisError, KindSpec, Resource } from '@dais/api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useBlocker, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { cliCommand } from './cli-command.ts';
import { singular } from './kind-words.ts';
import { completeFacts } from './fact-completion.ts';
import { completeManifest } from './manifest-completion.ts';
import { manifestProblems } from './manifest-problems.ts';
import { EditorPanels } from './kind-panels.tsx';
import { manifestText } from './manifest-text.ts';
import { PlanPanel } from './plan-panel.tsx';
import { serverProblems } from './server-problems.ts';
import { useCopyForms } from './use-copy-forms.ts';
import { useKind } from './use-kind.ts';
import { useWhyNot } from './use-why-not.ts';
import { listAddress, resourceAddress } from '#addresses.ts';
import { usePolicyProblems } from '#pages/policies/use-policy-check.ts';
import { useAddressFields } from '#server/address-fields.ts';
import { useClient, useConsole } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { forgetRights } from '#server/own-access.ts';
import { Button } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { toast } from '#ui/toast.ts';
import './edit-page.css';

const YamlEditor = lazy(async () => ({ default: (await import('#ui/editor/yaml-editor.tsx')).YamlEditor }));

/** Creates or changes a resource: text, plan, apply. */
export function EditPage() {
  const kind = useKind();
  const project = useCurrentProject();
  const { name } = useAddressFields();
  const client = useClient(kind.scope === 'org' ? undefined : project);
  const { data, error, refetch } = useQuery({
    queryKey: ['to-change', kind.kind, project, name],
    queryFn: async ({ signal }) => (name === undefined ? null : await client.get(kind.kind, name, { signal })),
    // The edited resource must not change during editing: the server compares versions when it is applied.
    staleTime: Infinity,
    gcTime: 0,
  });
  const title = name === undefined ? `Create ${singular(kind)}` : `Edit ${singular(kind)} ${name}`;
  return (
    <div className="page">
      {error !== null && (
        <>
          <PageHead title={title} />
          <ErrorNote error={error} retry={() => void refetch()} />
        </>
      )}
      {data === undefined && error === null && <Skeleton rows={14} />}
      {data !== undefined && (
        <Edit
          key={`${kind.kind} ${name} ${data?.metadata.resourceVersion}`}
          kind={kind}
          project={project}
          before={data ?? undefined}
          title={title}
          reload={() => void refetch()}
        />
      )}
    </div>
  );
}

interface EditProps {
  readonly kind: KindSpec;
  readonly project: string;
  /** Undefined: the resource is new. */
  readonly before: Resource | undefined;
  readonly title: string;
  readonly reload: () => void;
}

function Edit({ kind, project, before, title, reload }: EditProps) {
  const client = useClient(kind.scope === 'org' ? undefined : project);
  const { nonce } = useConsole();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [initial] = useState(() => (before === undefined ? kind.example : manifestText(before)));
  const [text, setText] = useState(initial);
  const [planned, setPlanned] = useState<string>();
  const [done, setDone] = useState(false);
  const problems = manifestProblems(text, kind);
  const plan = useMutation<readonly Change[], DaisError, string>({
    mutationFn: async (manifest) => await client.plan({ sources: [{ file: 'manifest.yaml', text: manifest }] }),
    onMutate: (manifest) => setPlanned(manifest),
  });
  const apply = useMutation<Resource, DaisError, string>({
    mutationFn: async (yaml) =>
      before === undefined
        ? await client.create(kind.kind, { yaml })
        : await client.update(
            kind.kind,
            before.metadata.name,
            { yaml },
            { resourceVersion: before.metadata.resourceVersion },
          ),
    onSuccess: ({ metadata }) => {
      setDone(true);
      toast({ title: before === undefined ? `${metadata.name} created` : `${metadata.name} updated` });
      void queries.invalidateQueries({ queryKey: ['resource', kind.kind] });
      forgetRights(queries);
      // Runs after the blocker below has been informed that nothing would be lost.
      setTimeout(() => void navigate(resourceAddress(kind, project, metadata.name)));
    },
  });
  useBlocker({
    shouldBlockFn: () =>
      text !== initial && !done && !confirm('You have changes that are not applied. Leave this page and discard them?'),
    enableBeforeUnload: () => text !== initial && !done,
  });
  const planError = planned === text ? plan.error : null;
  const found = useMemo(() => (planError === null ? undefined : placed(text, planError)), [text, planError]);
  const whyNot = useWhyNot(kind, project, before)(before === undefined ? 'create' : 'update');
  const current = planned === text && plan.data !== undefined;
  const changes = current ? plan.data.some(({ action }) => action !== 'unchanged') : false;
  const why = whyNot ?? whyNotYet({ problems: problems.length, current, changes });
  const submit = () => {
    if (problems.length > 0) return;
    if (why === undefined) apply.mutate(text);
    else if (!current) plan.mutate(text);
  };
  const file = `${kind.kind.toLowerCase()}.yaml`;
  const forms = useCopyForms({
    command: cliCommand(['apply', '-f', file], kind, project),
    manifest: { title: 'Manifest as edited', text: () => text },
    call: { project: kind.scope === 'org' ? undefined : project, path: '/api/v1/apply', file },
  });
  const complete = useCallback(
    async (manifest: string, at: number) =>
      completeFacts(manifest, at, kind) ??
      (await completeManifest(manifest, at, kind, async (word) => {
        const names: string[] = [];
        const page = await client.listPage(word, { limit: 1000 });
        for (const { metadata } of page.items) names.push(metadata.name);
        return names;
      })),
    [kind, client],
  );
  const further = usePolicyProblems(kind, project);
  const check = useCallback(
    async (manifest: string) => {
      const own = manifestProblems(manifest, kind);
      return own.length > 0 ? own : await further(manifest);
    },
    [kind, further],
  );
  const back = before === undefined ? listAddress(kind, project) : resourceAddress(kind, project, before.metadata.name);
  return (
    <>
      <PageHead
        title={title}
        under={
          before !== undefined && kind.writeOnly !== undefined
            ? `Values of ${kind.writeOnly.join(', ')} are write-only. Leave them out to keep them; new values replace all of them.`
            : kind.description
        }
        actions={
          <>
            <Button variant="default" renderRoot={(props) => <Link {...back} {...props} />}>
              Cancel
            </Button>
            <CopyAs forms={forms} />
            <GuardedButton
              variant="default"
              loading={plan.isPending}
              why={problems.length > 0 ? 'Fix the errors first' : undefined}
              hint="Show what applying would change, and whether policies allow it (Ctrl Enter)"
              onClick={() => plan.mutate(text)}
            >
              Show the plan
            </GuardedButton>
            <GuardedButton
              loading={apply.isPending}
              why={why}
              hint="Apply the manifest (Ctrl Enter)"
              onClick={() => apply.mutate(text)}
            >
              Apply
            </GuardedButton>
          </>
        }
      />
      <div className="edit">
        <Suspense fallback={<Skeleton rows={14} />}>
          <YamlEditor
            label={`Manifest of kind ${kind.kind}`}
            initial={initial}
            onChange={setText}
            check={check}
            found={found}
            complete={complete}
            onSubmit={submit}
            nonce={nonce}
          />
        </Suspense>
        <PlanPanel
          kind={kind}
          project={project}
          before={before === undefined ? '' : initial}
          after={text}
          problems={problems}
          isNew={before === undefined}
          plan={current ? plan.data : undefined}
          planError={planError}
          applyError={apply.variables === text ? apply.error : null}
          reload={reload}
        >
          {problems.length === 0 && <EditorPanels kind={kind} project={project} text={text} />}
        </PlanPanel>
      </div>
    </>
  );
}

/** Returns only server problems with a position; the others have no place in the text. */
function placed(text: string, error: DaisError) {
  const problems = serverProblems(text, error).filter(({ place }) => place !== undefined);
  return problems.length === 0 ? undefined : problems;
}

interface Progress {
  readonly problems: number;
  /** The shown plan is of the current text. */
  readonly current: boolean;
  readonly changes: boolean;
}

function whyNotYet({ problems, current, changes }: Progress): string | undefined {
  if (problems > 0) return 'Fix the errors first';
  if (!current) return 'Show the plan first';
  return changes ? undefined : 'No changes';
}
