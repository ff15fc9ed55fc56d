import type { DaisError } from '@dais/api';
import {
  createServiceTokenOperation,
  listServiceTokensOperation,
  revokeServiceTokenOperation,
  type TokenEntry,
} from '@dais/api/access';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { RevokeDialog } from '#pages/tokens/revoke-dialog.tsx';
import { TokenForm, type MadeToken, type TokenRequest } from '#pages/tokens/token-form.tsx';
import { TokenMade } from '#pages/tokens/token-made.tsx';
import { TokenTable } from '#pages/tokens/token-table.tsx';
import { useConsole } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

export interface ServiceTokensProps {
  /** Name of the service account. */
  readonly name: string;
  readonly project: string;
}

/** The tokens of a service account. */
export function ServiceTokens({ name, project }: ServiceTokensProps) {
  const { client } = useConsole();
  const queries = useQueryClient();
  const may = useMay(project);
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<MadeToken & TokenRequest>();
  const [revoking, setRevoking] = useState<TokenEntry>();
  const reads = may('serviceAccount:tokens') === true;
  const writes = may('serviceAccount:write') === true;
  const key = ['service-tokens', name];
  const { data, error, refetch } = useQuery<{ readonly items: readonly TokenEntry[] }, DaisError>({
    queryKey: key,
    queryFn: async ({ signal }) => await client.perform(listServiceTokensOperation, { name }, { signal }),
    enabled: reads,
  });
  const fresh = () => void queries.invalidateQueries({ queryKey: key });
  if (!reads && !writes) return null;
  return (
    <>
      {made !== undefined && (
        <TokenMade
          token={made.token}
          title={made.title}
          expiresAt={made.expiresAt}
          project={made.project}
          url={client.url}
          close={() => setMade(undefined)}
        />
      )}
      {creating && (
        <TokenForm
          heading={`Create token for ${name}`}
          create={async (request) => await client.perform(createServiceTokenOperation, { name, ...request })}
          done={(given, request) => {
            setMade({ ...request, ...given });
            setCreating(false);
            fresh();
          }}
          close={() => setCreating(false)}
        />
      )}
      <Panel
        title={`API tokens of ${name}`}
        flush={data !== undefined && data.items.length > 0}
        actions={
          writes &&
          !creating && (
            <Button variant="default" leftSection={<Icon name="plus" />} onClick={() => setCreating(true)}>
              Create token
            </Button>
          )
        }
      >
        {!reads && <p className="dim">Only administrators of the organization can list these tokens.</p>}
        {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
        {reads && data === undefined && error === null && <Skeleton rows={2} />}
        {data?.items.length === 0 && <p className="dim">No API tokens for {name}.</p>}
        {data !== undefined && data.items.length > 0 && (
          <TokenTable tokens={data.items} revoke={writes ? setRevoking : undefined} />
        )}
      </Panel>
      {revoking !== undefined && (
        <RevokeDialog
          token={revoking}
          revoke={async (id) => await client.perform(revokeServiceTokenOperation, { name, id })}
          done={fresh}
          close={() => setRevoking(undefined)}
        />
      )}
    </>
  );
}
