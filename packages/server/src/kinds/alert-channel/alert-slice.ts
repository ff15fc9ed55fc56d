import type { Slice } from '#engines/database/contract.ts';

/** What became of each delivery; the alert itself and its place in the queue are in the kernel's job of the same id. */
export const alertSlice: Slice = {
  schema: 'alert_channel',
  migrations: [
    {
      id: '0001-delivery',
      sql: `
create table alert_channel.delivery (
  id uuid primary key,
  channel_uid uuid not null,
  project_id uuid not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts int not null default 0,
  -- Of the latest attempt, as long as the delivery has not arrived.
  failure text,
  -- Revision of the channel that the latest attempt used: failures before a change do not count.
  generation bigint not null,
  created_at timestamptz not null default now(),
  attempted_at timestamptz
);
create index delivery_latest on alert_channel.delivery (channel_uid, attempted_at desc);
create index delivery_pending on alert_channel.delivery (channel_uid) where state = 'pending';
select dais.protect('alert_channel.delivery');
`,
    },
    {
      id: '0002-overtaken',
      sql: `
-- Key and state of the alert; the state is null if nothing resolves it.
alter table alert_channel.delivery add column alert_key text collate "C";
alter table alert_channel.delivery add column resolves boolean not null default false;
create index delivery_resolves on alert_channel.delivery (channel_uid, alert_key) where resolves;
`,
    },
  ],
};
