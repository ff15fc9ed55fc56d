import type { DaisError } from '@dais/api';
import {
  readModelScanOperation,
  reopenModelFindingOperation,
  startModelScanOperation,
  waiveModelFindingOperation,
  type ModelFinding,
  type ModelScan,
  type ModelScanResult,
} from '@dais/api/serving';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ModelScope } from './use-registry.ts';
import { bytesText } from '#pages/data/data-words.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Modal, Textarea } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge, type State } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

const RESULTS: Readonly<
  Record<ModelScanResult, { readonly state: State; readonly word: string; readonly means: string }>
> = {
  clean: { state: 'ok', word: 'clean', means: 'No executable content was found. The model can be loaded.' },
  review: { state: 'warning', word: 'review', means: 'The model is loaded only in an isolated process.' },
  blocked: {
    state: 'failed',
    word: 'blocked',
    means: 'The model is not loaded until all blocking findings are waived.',
  },
  pending: { state: 'waiting', word: 'pending', means: 'The model is loaded after the scan.' },
};
/** A scan takes seconds; its end has no event. */
const SCANNING_MS = 2000;

export interface SafetyPanelProps {
  readonly scope: ModelScope;
  readonly version: string;
}

/** Findings in the files of a version, with the decisions of people. */
export function SafetyPanel({ scope, version }: SafetyPanelProps) {
  const { project, name, key, ready } = scope;
  const client = useClient(project);
  const queries = useQueryClient();
  const scanKey = [...key, 'scan', version];
  const { data, error, refetch } = useQuery<ModelScan, DaisError>({
    queryKey: scanKey,
    queryFn: async ({ signal }) => await client.perform(readModelScanOperation, { name, version }, { signal }),
    enabled: ready,
    retry: false,
    refetchInterval: ({ state }) => (state.data?.state === 'pending' ? SCANNING_MS : false),
  });
  const whyNot = useWhyNotDo(project, 'Model', ['model:scan', 'model:waive'], name);
  const scan = useMutation<ModelScan, DaisError>({
    mutationFn: async () => await client.perform(startModelScanOperation, { name, version }),
    onSuccess: (started) => queries.setQueryData<ModelScan>(scanKey, started),
  });
  const [dialog, setDialog] = useState<ModelFinding>();
  return (
    <Panel
      title="Security scan"
      actions={
        <GuardedButton
          size="compact-xs"
          variant="default"
          why={whyNot('model:scan')}
          loading={scan.isPending}
          onClick={() => scan.mutate()}
        >
          Rescan
        </GuardedButton>
      }
    >
      {error?.code === 'not_found' ? (
        <p>
          <StateBadge {...RESULTS.pending} /> The files were not scanned yet.
        </p>
      ) : (
        error !== null && <ErrorNote error={error} retry={() => void refetch()} />
      )}
      {scan.error !== null && <ErrorNote error={scan.error} />}
      {data !== undefined && (
        <>
          <Result scan={data} />
          {data.findings.length > 0 && (
            <Findings findings={data.findings} why={whyNot('model:waive')} ask={setDialog} />
          )}
        </>
      )}
      {dialog !== undefined && (
        <FindingDialog
          project={project}
          of={{ name, version }}
          finding={dialog}
          done={() => {
            void queries.invalidateQueries({ queryKey: scanKey });
            setDialog(undefined);
          }}
          close={() => setDialog(undefined)}
        />
      )}
    </Panel>
  );
}

function Result({ scan }: { readonly scan: ModelScan }) {
  const { result, state, files, bytes, endedAt, error } = scan;
  const { means, ...badge } = RESULTS[result];
  return (
    <>
      <p>
        <StateBadge {...badge} />{' '}
        {state === 'external'
          ? 'The artifacts are stored outside of Dais and cannot be scanned. The version is not served.'
          : state === 'failed'
            ? `The scan failed: ${error ?? 'unknown error'}.`
            : means}
      </p>
      <p className="dim">
        {state === 'pending' ? (
          'Scanning'
        ) : (
          <>
            {files.toLocaleString('en')} {files === 1 ? 'file' : 'files'}, {bytesText(bytes)}
            {endedAt !== undefined && (
              <>
                , <Time at={new Date(endedAt).toISOString()} />
              </>
            )}
          </>
        )}
        .{' '}
        <a href="docs/guide/model-scanning" target="_blank" rel="noreferrer">
          What the scan detects
        </a>
      </p>
    </>
  );
}

interface FindingsProps {
  readonly findings: readonly ModelFinding[];
  readonly why: string | undefined;
  readonly ask: (finding: ModelFinding) => void;
}

function Findings({ findings, why, ask }: FindingsProps) {
  return (
    <PlainTable
      label="Findings"
      rows={findings}
      keyOf={({ id }) => id}
      columns={[
        {
          title: 'State',
          narrow: true,
          cell: ({ state, severity }) =>
            state === 'waived' ? (
              <StateBadge state="off" word="waived" />
            ) : (
              <StateBadge
                state={severity === 'block' ? 'failed' : 'warning'}
                word={severity === 'block' ? 'blocks' : 'review'}
              />
            ),
        },
        { title: 'File', cell: ({ file }) => <code>{file}</code> },
        { title: 'Finding', cell: ({ detail, rule }) => <span title={rule}>{detail}</span> },
        {
          title: 'Decision',
          cell: ({ reason, decidedBy, decidedAt }) =>
            decidedBy !== undefined && (
              <>
                {decidedBy}
                {decidedAt !== undefined && (
                  <>
                    {' '}
                    <Time at={new Date(decidedAt).toISOString()} />
                  </>
                )}
                {reason !== undefined && reason !== '' && `: ${reason}`}
              </>
            ),
        },
        {
          title: '',
          narrow: true,
          cell: (finding) => (
            <GuardedButton size="compact-xs" variant="default" why={why} onClick={() => ask(finding)}>
              {finding.state === 'open' ? 'Waive' : 'Reopen'}
            </GuardedButton>
          ),
        },
      ]}
    />
  );
}

interface FindingDialogProps {
  readonly project: string;
  readonly of: { readonly name: string; readonly version: string };
  readonly finding: ModelFinding;
  readonly done: () => void;
  readonly close: () => void;
}

function FindingDialog({ project, of, finding, done, close }: FindingDialogProps) {
  const client = useClient(project);
  const [reason, setReason] = useState('');
  const waive = finding.state === 'open';
  const { mutate, isPending, error } = useMutation<ModelFinding, DaisError>({
    mutationFn: async () => {
      const input = { ...of, finding: finding.id, reason: reason.trim() };
      return waive
        ? await client.perform(waiveModelFindingOperation, input)
        : await client.perform(reopenModelFindingOperation, input);
    },
    onSuccess: () => {
      toast({ title: waive ? 'Finding waived' : 'Finding reopened', text: finding.file });
      done();
    },
  });
  return (
    <Modal opened onClose={close} title={waive ? `Waive the finding in ${finding.file}?` : 'Withdraw the waiver?'}>
      <div className="confirm">
        <p>{finding.detail}</p>
        {waive && finding.severity === 'block' && (
          <p>
            The file can run arbitrary code with the rights of the server. Waive the finding only after you reviewed it.
          </p>
        )}
        <Textarea
          label="Reason"
          description="Recorded with your name and the time."
          value={reason}
          maxLength={4096}
          autosize
          minRows={2}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {error !== null && <ErrorNote error={error} />}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <GuardedButton
            why={waive && reason.trim() === '' ? 'Enter a reason first. It is recorded with your name.' : undefined}
            loading={isPending}
            onClick={() => mutate()}
          >
            {waive ? 'Waive finding' : 'Reopen finding'}
          </GuardedButton>
        </div>
      </div>
    </Modal>
  );
}
