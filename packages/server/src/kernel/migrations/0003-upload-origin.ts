import type { Migration } from '#engines/database/contract.ts';

/** The purpose of an upload: a repetition of the same work after a crash releases the uploads of the first one. */
export const uploadOrigin: Migration = {
  id: '0003-upload-origin',
  sql: `
alter table kernel.upload_lease add column origin text;
create index upload_lease_origin on kernel.upload_lease (origin) where origin is not null;
`,
};
