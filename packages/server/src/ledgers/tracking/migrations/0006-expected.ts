import type { Migration } from '#engines/database/contract.ts';

/** For statements that are sent with the commit: whether they found what they were written for. */
export const expectedState: Migration = {
  id: '0006-expected',
  sql: `
create function tracking.require_expected(met boolean) returns void language plpgsql as $$
begin
  if met is not true then raise exception using errcode = 'DA001', message = 'not the state that was expected'; end if;
end $$;
`,
};
