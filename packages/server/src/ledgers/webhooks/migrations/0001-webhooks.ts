import type { Migration } from '#engines/database/contract.ts';

/**
 * Webhooks and their deliveries. The body of a delivery is made once, with the event: every attempt sends the same bytes.
 * Its position in the queue is the kernel job of the same id. Times of webhooks are milliseconds since 1970.
 */
export const webhookTables: Migration = {
  id: '0001-webhooks',
  sql: `
create table webhooks.webhook (
  id uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  name text collate "C" not null,
  description text not null,
  url text not null,
  format text collate "C" not null,
  events text[] not null,
  status text collate "C" not null,
  -- The encrypted signing secret; all columns or none.
  key_id text,
  key_fingerprint text,
  wrapped bytea,
  iv bytea,
  ciphertext bytea,
  tag bytea,
  -- Events that were not sent because too many deliveries were pending.
  dropped bigint not null default 0,
  created_at bigint not null,
  updated_at bigint not null
);
create index webhook_newest on webhooks.webhook (project_id, created_at desc, id desc);
select dais.protect('webhooks.webhook');

create table webhooks.delivery (
  id uuid primary key,
  webhook uuid not null references webhooks.webhook (id) on delete cascade,
  project_id uuid not null,
  event text collate "C" not null,
  body text not null,
  state text collate "C" not null default 'pending',
  attempts int not null default 0,
  response_status int,
  failure text,
  created_at bigint not null,
  attempted_at bigint
);
create index delivery_newest on webhooks.delivery (webhook, created_at desc, id desc);
create index delivery_pending on webhooks.delivery (webhook) where state = 'pending';
select dais.protect('webhooks.delivery');
`,
};
