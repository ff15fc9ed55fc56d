import type { Slice } from '#engines/database/contract.ts';
import { commentTables } from './migrations/0001-comments.ts';

export const commentsSlice: Slice = { schema: 'comments', migrations: [commentTables] };
