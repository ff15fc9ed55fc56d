import type { Migration } from '#engines/database/contract.ts';

/** Aborts a transaction whose deferred statement finds an unexpected state. */
export const expectedState: Migration = {
  id: '0006-expected',
  sql: `
create function tracking.require_expected(met boolean) returns void language plpgsql as $$
begin
  if met is not true then raise exception using errcode = 'DA001', message = 'the state is not the expected one'; end if;
end $$;
`,
};
