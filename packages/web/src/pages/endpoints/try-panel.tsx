import type { DaisError } from '@dais/api';
import type { EndpointContract } from '@dais/api/serving';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { curlCall, firstBody, milliseconds, pythonCall } from './endpoint-words.ts';
import { askEndpoint, useContract, type Answered, type EndpointPlace } from './use-endpoint.ts';
import { useClient } from '#server/console-context.ts';
import { Button, Textarea } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';

/** A body is written, and what a client would get is shown. */
export function TryPanel({ place }: { readonly place: EndpointPlace }) {
  const { data, error, refetch } = useContract(place);
  if (error !== null) {
    return (
      <Panel title="Try it">
        <ErrorNote error={error} retry={() => void refetch()} />
      </Panel>
    );
  }
  // Begun anew with another model: its example is another one.
  return data === undefined ? null : <TryForm key={data.model} place={place} contract={data} />;
}

function TryForm({ place, contract }: { readonly place: EndpointPlace; readonly contract: EndpointContract }) {
  const client = useClient(place.project);
  const [body, setBody] = useState(() => firstBody(contract));
  const { mutate, data, error, isPending } = useMutation<Answered, DaisError>({
    mutationFn: async () => await askEndpoint(client, place.name, body),
  });
  const path = `p/${encodeURIComponent(place.project)}/endpoints/${encodeURIComponent(place.name)}/invocations`;
  const url = new URL(path, `${client.url.replace(/\/$/, '')}/`).href;
  return (
    <Panel
      title="Try it"
      actions={
        <CopyAs
          forms={[
            { title: 'curl', preview: 'curl …/invocations', text: () => curlCall(url, body) },
            { title: 'Python', preview: 'urllib.request.urlopen(…)', text: () => pythonCall(url, body) },
          ]}
        />
      }
    >
      <p className="dim">
        It takes{' '}
        {contract.inputs.map(({ name, datatype, shape }) => `${name} (${datatype} [${shape.join(', ')}])`).join(', ')}.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          mutate();
        }}
      >
        <Textarea
          label="Body"
          autosize
          minRows={4}
          maxRows={20}
          value={body}
          onChange={(event) => setBody(event.currentTarget.value)}
          styles={{ input: { fontFamily: 'var(--mono, monospace)' } }}
        />
        <Button type="submit" mt="xs" loading={isPending}>
          Send
        </Button>
      </form>
      {error !== null && <ErrorNote error={error} />}
      {data !== undefined && (
        <section aria-label="Answer">
          <p className="dim">
            {data.status} after {milliseconds(data.ms)}
            {data.variant !== undefined && `, from ${data.variant}`}
            {data.version !== undefined && ` (version ${data.version})`}
          </p>
          <pre>{data.text}</pre>
        </section>
      )}
    </Panel>
  );
}
