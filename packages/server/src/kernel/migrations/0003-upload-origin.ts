import type { Migration } from '#engines/database/contract.ts';

/** What an upload is for: who begins the same work again after a crash gives up what the first one left. */
export const uploadOrigin: Migration = {
  id: '0003-upload-origin',
  sql: `
alter table kernel.upload_lease add column origin text;
create index upload_lease_origin on kernel.upload_lease (origin) where origin is not null;
`,
};
