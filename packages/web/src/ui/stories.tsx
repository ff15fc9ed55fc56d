/** All components in their states, at `/__ui` in development, without a server. */
import { DaisError } from '@dais/api';
import { useState, type ReactNode } from 'react';
import { Button, Menu, Select, TextInput, Tooltip } from './controls.ts';
import { ChartStories } from './chart-stories.tsx';
import { ConfirmByName } from './confirm-by-name.tsx';
import { CopyAs } from './copy-as.tsx';
import { DiffView } from './diff-view.tsx';
import { YamlEditor } from './editor/yaml-editor.tsx';
import { EmptyState } from './empty-state.tsx';
import { ErrorNote } from './error-note.tsx';
import { FilterBar } from './filter-bar.tsx';
import { KeyValue } from './key-value.tsx';
import { PageHead } from './page-head.tsx';
import { Panel } from './panel.tsx';
import { ResourceTable } from './resource-table.tsx';
import type { TableSort } from './table-head.tsx';
import { Skeleton } from './skeleton.tsx';
import { StateBadge } from './state-badge.tsx';
import { Time } from './time.tsx';
import { toast } from './toast.ts';

const STATES = ['ok', 'running', 'waiting', 'warning', 'failed', 'off'] as const;
const BEFORE = 'kind: Secret\nmetadata:\n  name: a\nspec:\n  description: before\n';
const AFTER = 'kind: Secret\nmetadata:\n  name: a\nspec:\n  description: after\n  data: {}\n';

const ERROR = new DaisError('invalid_manifest', 'spec.descripton: there is no field "descripton" here.', {
  issues: [{ path: 'spec.descripton', message: 'there is no field "descripton" here', nearest: 'description' }],
  requestId: '0198c0de',
});

interface Row {
  readonly name: string;
  readonly size: number;
}
const ROWS: readonly Row[] = Array.from({ length: 10_000 }, (_, at) => ({
  name: `row-${at}`,
  size: (at * 7919) % 997,
}));

export function StoriesPage() {
  const [labels, setLabels] = useState('team=vision, =wrong');
  const [name, setName] = useState('');
  const [confirming, setConfirming] = useState(false);
  return (
    <div className="page">
      <PageHead title="Components" under="In development only." />
      <div className="grid-2">
        <Story name="StateBadge">
          {STATES.map((state) => (
            <p key={state}>
              <StateBadge state={state} />
            </p>
          ))}
        </Story>
        <Story name="Time">
          <Time at="2026-01-01T00:00:00Z" />
        </Story>
        <Story name="KeyValue">
          <KeyValue
            label="Pairs"
            pairs={[
              { key: 'name', value: 'chat-webhook', about: 'As written.' },
              { key: 'generation', value: 3 },
            ]}
          />
        </Story>
        <Story name="Controls">
          <Button onClick={() => toast({ title: 'LabeledState', text: 'at the edge' })}>Primary</Button>{' '}
          <Button variant="default">Default</Button> <Button color="red">Destructive</Button>
          <TextInput label="Text" placeholder="typed here" />
          <Select label="One of" data={['a', 'b']} />
          <Tooltip label="Why it is so">
            <Button variant="subtle">Hover me</Button>
          </Tooltip>
          <Menu>
            <Menu.Target>
              <Button variant="default">Menu</Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item>First</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Story>
        <Story name="CopyAs">
          <CopyAs forms={[{ title: 'Command: dais get secrets', text: () => 'dais get secrets' }]} />
        </Story>
        <Story name="ConfirmByName">
          <Button color="red" onClick={() => setConfirming(true)}>
            Delete
          </Button>
          {confirming && (
            <ConfirmByName
              title="Delete secret a?"
              name="a"
              verb="Delete"
              busy={false}
              confirm={() => setConfirming(false)}
              close={() => setConfirming(false)}
            >
              <p>It goes and does not come back.</p>
            </ConfirmByName>
          )}
        </Story>
        <Story name="ErrorNote">
          <ErrorNote error={ERROR} retry={() => toast({ title: 'Retried', state: 'waiting' })} />
        </Story>
        <Story name="EmptyState">
          <EmptyState sentence="Secrets would be here." command="dais apply -f secret.yaml" example={BEFORE} />
        </Story>
        <Story name="Skeleton">
          <Skeleton rows={4} />
        </Story>
        <Story name="FilterBar">
          <FilterBar
            labels={labels}
            onLabels={setLabels}
            name={name}
            onName={setName}
            known={[{ team: 'vision' }, { team: 'ads' }]}
          >
            10 of 20
          </FilterBar>
        </Story>
      </div>
      <Story name="DiffView">
        <DiffView label="Difference" before={BEFORE} after={AFTER} />
      </Story>
      <Story name="YamlEditor">
        <YamlEditor
          label="Manifest"
          initial={BEFORE}
          onChange={() => {}}
          check={(text) => [{ from: 0, to: Math.min(4, text.length), message: 'an error under a word' }]}
          complete={async (_text, at) => ({ from: at, choices: [{ label: 'description', detail: 'text' }] })}
          onSubmit={() => toast({ title: 'Submitted' })}
          nonce=""
        />
      </Story>
      <Story name="ResourceTable of 10,000">
        <TableStory />
      </Story>
    </div>
  );
}

function TableStory() {
  const [sort, setSort] = useState<TableSort>();
  const [selected, setSelected] = useState<string>();
  return (
    <div style={{ height: 320, display: 'flex' }}>
      <ChartStories />
      <ResourceTable
        label="Rows"
        rows={ROWS}
        columns={COLUMNS}
        keyOf={nameOf}
        complete
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        onOpen={({ name }) => toast({ title: name })}
      />
    </div>
  );
}

const nameOf = ({ name }: Row) => name;
const COLUMNS = [
  { id: 'name', title: 'Name', width: '2fr', cell: ({ name }: Row) => name, sortValue: ({ name }: Row) => name },
  { id: 'size', title: 'Size', width: '1fr', cell: ({ size }: Row) => size, sortValue: ({ size }: Row) => size },
];

function Story({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return <Panel title={name}>{children}</Panel>;
}
