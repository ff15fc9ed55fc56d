import { createTokenOperation, listTokensOperation, revokeTokenOperation, type TokenEntry } from '@dais/api/access';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { RevokeDialog } from './revoke-dialog.tsx';
import { TokenForm, type MadeToken, type TokenRequest } from './token-form.tsx';
import { TokenMade } from './token-made.tsx';
import { TokenTable } from './token-table.tsx';
import { AccountHead } from '#pages/account/account-head.tsx';
import { SoloNote } from '#pages/account/solo-note.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { useConsole } from '#server/console-context.ts';
import { useSession } from '#server/session.ts';
import { Button } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

const TITLE = 'API tokens';
const key = ['tokens'] as const;

export function TokensPage() {
  const session = useSession();
  return session?.mode === 'solo' ? (
    <div className="page">
      <AccountHead title={TITLE} />
      <SoloNote />
    </div>
  ) : (
    <OwnTokens />
  );
}

function OwnTokens() {
  const { client } = useConsole();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { create } = useAddressQuery();
  const [made, setMade] = useState<MadeToken & TokenRequest>();
  const [revoking, setRevoking] = useState<TokenEntry>();
  const { data, error, refetch } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => await client.perform(listTokensOperation, {}, { signal }),
  });
  const open = (on: boolean) => void navigate({ to: '.', search: { create: on ? 'yes' : undefined }, replace: true });
  const fresh = () => void queries.invalidateQueries({ queryKey: key });
  return (
    <div className="page">
      <AccountHead
        title={TITLE}
        actions={
          create === undefined && (
            <Button leftSection={<Icon name="plus" />} onClick={() => open(true)}>
              Create token
            </Button>
          )
        }
      />
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
      {create !== undefined && (
        <TokenForm
          heading="Create token"
          create={async (request) => await client.perform(createTokenOperation, request)}
          done={(given, request) => {
            setMade({ ...request, ...given });
            open(false);
            fresh();
          }}
          close={() => open(false)}
        />
      )}
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton rows={4} />}
      {data?.items.length === 0 && create === undefined && (
        <EmptyState
          sentence="No API tokens yet. Programs use API tokens to act for you."
          command="dais token create notebook"
        />
      )}
      {data !== undefined && data.items.length > 0 && (
        <Panel title="Newest first" flush>
          <TokenTable tokens={data.items} revoke={setRevoking} />
        </Panel>
      )}
      {revoking !== undefined && (
        <RevokeDialog
          token={revoking}
          revoke={async (id) => await client.perform(revokeTokenOperation, { id })}
          done={fresh}
          close={() => setRevoking(undefined)}
        />
      )}
    </div>
  );
}
