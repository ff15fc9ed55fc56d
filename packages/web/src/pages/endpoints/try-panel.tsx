import type { DaisError } from '@dais/api';
import { predictionUrl, type EndpointContract } from '@dais/api/serving';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { milliseconds } from './endpoint-words.ts';
import { curlCall, firstBody, pythonCall, typeScriptCall } from './try-calls.ts';
import { bodyOf, fieldsOf, rowOf, typed, type TryField } from './try-fields.ts';
import { callEndpoint, useContract, type Answered, type EndpointScope } from './use-endpoint.ts';
import { predictionAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { useSession } from '#server/session.ts';
import { Button, Textarea, TextInput } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import './endpoints.css';

/** Sends an edited body to the endpoint and shows the response. */
export function TryPanel({ scope }: { readonly scope: EndpointScope }) {
  const { data, error, refetch } = useContract(scope);
  if (error !== null) {
    return (
      <Panel title="Try it">
        <ErrorNote error={error} retry={() => void refetch()} />
      </Panel>
    );
  }
  // Reset for another model, which has another example.
  return data === undefined ? null : <TryForm key={data.model} scope={scope} contract={data} />;
}

interface Draft {
  readonly body: string;
  /** Texts of edited fields; other fields show the values of the body. */
  readonly texts: Readonly<Record<string, string>>;
}

function TryForm({ scope, contract }: { readonly scope: EndpointScope; readonly contract: EndpointContract }) {
  const client = useClient(scope.project);
  const accounts = useSession()?.mode === 'accounts';
  const [{ body, texts }, setDraft] = useState<Draft>(() => ({ body: firstBody(contract), texts: {} }));
  const { mutate, data, error, isPending } = useMutation<Answered, DaisError>({
    mutationFn: async () => await callEndpoint(client, scope.name, body),
  });
  const url = predictionUrl(contract, client.url, 'mlflow');
  const call = { url, body, accounts };
  const fields = fieldsOf(contract.inputs);
  return (
    <>
      <Panel
        title="Try it"
        actions={
          <CopyAs
            forms={[
              { title: 'curl', preview: 'curl …/invocations', text: () => curlCall(call) },
              { title: 'Python', preview: 'urllib.request.urlopen(…)', text: () => pythonCall(call) },
              { title: 'TypeScript', preview: 'await fetch(…)', text: () => typeScriptCall(call) },
            ]}
          />
        }
      >
        <p className="dim">
          {contract.model} takes{' '}
          {contract.inputs.map(({ name, datatype, shape }) => `${name} (${datatype} [${shape.join(', ')}])`).join(', ')}{' '}
          and returns {contract.outputs.map(({ name, datatype }) => `${name} (${datatype})`).join(', ')}.
        </p>
        <p className="dim">
          Programs send requests to the gateway: <code>{url}</code>
        </p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            mutate();
          }}
        >
          {fields !== undefined && <Fields fields={fields} draft={{ body, texts }} onDraft={setDraft} />}
          <Textarea
            label="Body"
            autosize
            minRows={4}
            maxRows={20}
            value={body}
            onChange={(event) => setDraft({ body: event.currentTarget.value, texts: {} })}
            styles={{ input: { fontFamily: 'var(--mono)' } }}
          />
          <Button type="submit" mt="xs" loading={isPending}>
            Send request
          </Button>
        </form>
        {error !== null && <ErrorNote error={error} />}
      </Panel>
      {data !== undefined && <Answer scope={scope} answered={data} />}
    </>
  );
}

interface FieldsProps {
  readonly fields: readonly TryField[];
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
}

/** The first row of the body, element by element. */
function Fields({ fields, draft, onDraft }: FieldsProps) {
  const row = rowOf(draft.body, fields);
  return (
    <div className="try-fields">
      {fields.map(({ input, label }, position) => (
        <TextInput
          key={label}
          label={label}
          description={input.datatype}
          inputMode={input.datatype === 'BYTES' || input.datatype === 'BOOL' ? 'text' : 'decimal'}
          value={draft.texts[label] ?? valueText(row?.[position])}
          onChange={(event) => {
            const text = event.currentTarget.value;
            const changed = fields.map((_, at) => (at === position ? typed(text, input.datatype) : row?.[at]));
            onDraft({ body: bodyOf(fields, changed), texts: { ...draft.texts, [label]: text } });
          }}
        />
      ))}
    </div>
  );
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function Answer({ scope, answered }: { readonly scope: EndpointScope; readonly answered: Answered }) {
  const { status, ms, variant, version, prediction, text } = answered;
  return (
    <Panel title="Response">
      <p>
        <StateBadge state={status < 400 ? 'ok' : 'failed'} word={String(status)} />
        <span className="dim">
          {' '}
          after {milliseconds(ms)}
          {variant !== undefined && `, from ${variant}`}
          {version !== undefined && ` (version ${version})`}
        </span>
      </p>
      <pre className="try-answer" tabIndex={0}>
        {pretty(text)}
      </pre>
      {prediction !== undefined && (
        <p>
          <Link {...predictionAddress(scope.project, scope.name, prediction)}>Stored prediction and explanation</Link>
        </p>
      )}
    </Panel>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
