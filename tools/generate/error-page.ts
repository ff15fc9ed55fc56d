import { errorCatalog, type ErrorCode } from '@dais/api';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, fence, page, table, text } from './markdown.ts';

const EXAMPLE = `{
  "type": "/docs/reference/errors#reference_not_found",
  "title": "${errorCatalog.reference_not_found.title}",
  "status": ${errorCatalog.reference_not_found.status},
  "code": "reference_not_found",
  "remedy": "${errorCatalog.reference_not_found.remedy}",
  "detail": "spec.send.signingKey.secret there is no Secret \\"webhook-key\\".",
  "requestId": "01980f3e-5b7c-7d5e-8a3b-1c9f4a6f2e11",
  "issues": [
    {
      "file": "channel.yaml",
      "line": 9,
      "column": 7,
      "path": "spec.send.signingKey.secret",
      "message": "there is no Secret \\"webhook-key\\""
    }
  ]
}`;

/** The closed catalog of error codes. Each code has a heading with the anchor that problem documents point to. */
export function errorPage(): GeneratedFile {
  const codes = Object.keys(errorCatalog) as ErrorCode[];
  return {
    path: `${REFERENCE}/errors.md`,
    text: page('Errors', 'packages/api/src/error-catalog.ts', [
      'Every failure has one of these codes. A code is never renamed or reused. Over HTTP a failure is a problem document (RFC 9457, `application/problem+json`) whose `type` is the URL of its paragraph on this page:',
      fence('json', EXAMPLE),
      '`detail` describes this occurrence. `issues` lists every problem, with file, line and column where the text is known; lines and columns count from 1. `holders` lists the objects that still refer to the resource. Responses with a retryable code have the header `Retry-After`: the same request can succeed later, unchanged.',
      table(
        ['Code', 'Status', 'Title', 'Retryable'],
        codes.map((name) => {
          const entry = errorCatalog[name];
          return [
            `[${code(name)}](#${name})`,
            String(entry.status),
            text(entry.title),
            entry.retryable === true ? 'yes' : '',
          ];
        }),
      ),
      ...codes.flatMap((name) => {
        const entry = errorCatalog[name];
        const again = entry.retryable === true ? ' The same request can succeed later, unchanged.' : '';
        return [`## ${name} {#${name}}`, `Status ${entry.status}. ${text(entry.title)}.${again}`, text(entry.remedy)];
      }),
    ]),
  };
}
