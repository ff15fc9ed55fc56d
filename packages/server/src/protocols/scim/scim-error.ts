import { errorCatalog, type DaisError, type ErrorCode } from '@dais/api';
import { ERROR } from './urns.ts';

/** RFC 7644, table 9. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue';

/** An error in the form of the protocol. */
export class ScimError extends Error {
  override readonly name = 'ScimError';
  readonly status: number;
  readonly scimType: ScimType | undefined;

  constructor(status: number, detail: string, scimType?: ScimType, cause?: unknown) {
    super(detail, { cause });
    this.status = status;
    this.scimType = scimType;
  }

  body(): object {
    const { status, scimType, message } = this;
    return {
      schemas: [ERROR],
      status: String(status),
      ...(scimType !== undefined && { scimType }),
      detail: message,
    };
  }
}

/** Statuses of the protocol that differ from those of the catalog, with their types. */
const types: Partial<Readonly<Record<ErrorCode, { readonly status: number; readonly scimType?: ScimType }>>> = {
  invalid_request: { status: 400, scimType: 'invalidValue' },
  invalid_manifest: { status: 400, scimType: 'invalidValue' },
  unreadable_body: { status: 400, scimType: 'invalidSyntax' },
  not_utf8: { status: 400, scimType: 'invalidSyntax' },
  already_exists: { status: 409, scimType: 'uniqueness' },
  immutable_field: { status: 400, scimType: 'mutability' },
};
/** Limit of reported issues. */
const MOST_ISSUES = 10;

export function scimError(error: DaisError): ScimError {
  const { status, scimType } = types[error.code] ?? { status: errorCatalog[error.code].status };
  const text = error.message === '' ? errorCatalog[error.code].title : error.message;
  const issues = (error.issues ?? [])
    .slice(0, MOST_ISSUES)
    .filter(({ message }) => !text.includes(message))
    .map(({ path = '', message }) => `${path} ${message}`.trim());
  return new ScimError(status, issues.length === 0 ? text : `${text} ${issues.join('; ')}.`, scimType, error);
}
