/**
 * Requests that HTTP servers are known to frame differently (RFC 9112 §6.3 and §11.2, and published request smuggling). Each entry
 * is one request; the tests append `SECOND` to it. `targets` are the requests that a server may see: the entry's own
 * target when the entry is valid, `/second` when the bytes behind it are a request of their own.
 */

export interface SmugglingCase {
  readonly name: string;
  readonly bytes: string;
  /** Targets of the requests that reach the handler, in order. */
  readonly targets: readonly string[];
  /** The server answers with 400 or closes the connection, and reads nothing behind the entry. */
  readonly refused: boolean;
}

export const SECOND = 'GET /second HTTP/1.1\r\nhost: localhost\r\n\r\n';
const HIDDEN = 'GET /hidden HTTP/1.1\r\nhost: localhost\r\n\r\n';

function post(lines: readonly string[], body = '', target = '/first'): string {
  return `${[`POST ${target} HTTP/1.1`, 'host: localhost', ...lines, '', ''].join('\r\n')}${body}`;
}

function refused(name: string, bytes: string): SmugglingCase {
  return { name, bytes, targets: [], refused: true };
}

/** The server reads the head and then refuses the body. */
function refusedBody(name: string, bytes: string): SmugglingCase {
  return { name, bytes, targets: ['/first'], refused: true };
}

function accepted(name: string, bytes: string, targets: readonly string[] = ['/first', '/second']): SmugglingCase {
  return { name, bytes, targets, refused: false };
}

const CHUNKED = 'transfer-encoding: chunked';
const length = (body: string) => `content-length: ${body.length}`;

export const smugglingCases: readonly SmugglingCase[] = [
  accepted('a plain request', post([length('abc')], 'abc')),
  accepted('a plain request without a body', post([])),
  accepted('a body that looks like a request', post([length(HIDDEN)], HIDDEN)),
  accepted(
    'a chunked body that looks like a request',
    post([CHUNKED], `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`),
  ),

  // Two lengths.
  refused('Content-Length and Transfer-Encoding (CL.TE)', post([length(HIDDEN), CHUNKED], `0\r\n\r\n${HIDDEN}`)),
  refused(
    'Transfer-Encoding and Content-Length (TE.CL)',
    post([CHUNKED, 'content-length: 4'], `5\r\nabcde\r\n0\r\n\r\n${HIDDEN}`),
  ),
  refused('two Content-Length headers that differ', post(['content-length: 0', length(HIDDEN)], HIDDEN)),
  refused('two Content-Length headers that agree', post([length('abc'), length('abc')], 'abc')),
  refused('a list of lengths', post(['content-length: 3, 3'], 'abc')),
  refused(
    'two Transfer-Encoding headers, the last one identity',
    post([CHUNKED, 'transfer-encoding: identity'], `0\r\n\r\n${HIDDEN}`),
  ),

  // Lengths that some servers read as numbers.
  refused('a length with a plus sign', post(['content-length: +3'], 'abc')),
  refused('a negative length', post(['content-length: -1'], 'abc')),
  refused('a length in hexadecimal', post(['content-length: 0x3'], 'abc')),
  refused('a length with a fraction', post(['content-length: 3.0'], 'abc')),
  refused('a length with an exponent', post(['content-length: 3e0'], 'abc')),
  refused('an empty length', post(['content-length:'], 'abc')),
  refused('a length with a space inside', post(['content-length: 1 0'], 'abcdefghij')),
  refused('a length with a vertical tab', post(['content-length: \u000b3'], 'abc')),
  refused('a length beyond 64 bits', post(['content-length: 18446744073709551619'], 'abc')),
  accepted('a length with leading zeros', post(['content-length: 0003'], 'abc')),
  accepted('a length between spaces and tabs', post(['content-length: \t 3 \t'], 'abc')),
  accepted('a length and no space after the colon', post(['content-length:3'], 'abc')),

  // Transfer encodings that one server recognizes and another one does not.
  refusedBody('an unknown transfer coding', post(['transfer-encoding: xchunked'], `0\r\n\r\n${HIDDEN}`)),
  refused('chunked that is not the last coding', post(['transfer-encoding: chunked, identity'], `0\r\n\r\n${HIDDEN}`)),
  refused('a vertical tab before chunked', post(['transfer-encoding: \u000bchunked'], `0\r\n\r\n${HIDDEN}`)),
  refusedBody('quoted chunked', post(['transfer-encoding: "chunked"'], `0\r\n\r\n${HIDDEN}`)),
  refused('a space before the colon of Transfer-Encoding', post(['transfer-encoding : chunked'], `0\r\n\r\n${HIDDEN}`)),
  refused('a tab before the colon of Transfer-Encoding', post(['transfer-encoding\t: chunked'], `0\r\n\r\n${HIDDEN}`)),
  refused('a space before the colon of Content-Length', post([`content-length : ${HIDDEN.length}`], HIDDEN)),
  refused('a NUL in the name of Transfer-Encoding', post(['transfer\u0000-encoding: chunked'], `0\r\n\r\n${HIDDEN}`)),
  refused('a NUL in the value of Transfer-Encoding', post(['transfer-encoding: chunked\u0000'], `0\r\n\r\n${HIDDEN}`)),
  accepted('Transfer-Encoding in capitals', post(['TRANSFER-ENCODING: CHUNKED'], '3\r\nabc\r\n0\r\n\r\n')),
  accepted('an underscore instead of the hyphen', post(['transfer_encoding: chunked', length('abc')], 'abc')),

  // Lines.
  refused('a header folded over two lines', post(['x-a: 1', ` content-length: ${HIDDEN.length}`], HIDDEN)),
  refused('Transfer-Encoding folded over two lines', post(['transfer-encoding:', ' chunked'], `0\r\n\r\n${HIDDEN}`)),
  refused('a bare LF between two headers', post([`x-a: 1\ncontent-length: ${HIDDEN.length}`], HIDDEN)),
  refused('a bare CR between two headers', post([`x-a: 1\rcontent-length: ${HIDDEN.length}`], HIDDEN)),
  refused('a bare LF at the end of the head', `POST /first HTTP/1.1\r\nhost: localhost\r\n\n${HIDDEN}`),
  refused(
    'only LF as line ends',
    `POST /first HTTP/1.1\nhost: localhost\ncontent-length: ${HIDDEN.length}\n\n${HIDDEN}`,
  ),
  refused('a space before the first header', `POST /first HTTP/1.1\r\n host: localhost\r\n\r\n${HIDDEN}`),
  refused('a NUL in a value', post(['x-a: 1\u00002', length('abc')], 'abc')),
  refused('a NUL in the target', post([length('abc')], 'abc', '/fir\u0000st')),
  refused('a header without a name', post([': 1', length('abc')], 'abc')),
  refused('a header without a colon', post(['x-a', length('abc')], 'abc')),
  refused('a name in brackets', post(['(x): 1', length('abc')], 'abc')),
  accepted('an empty line before the request', `\r\n${post([length('abc')], 'abc')}`),

  // The first line.
  refused('a space in the target', post([length('abc')], 'abc', '/fir st')),
  refused('two words before the version', 'POST /first x HTTP/1.1\r\nhost: localhost\r\n\r\n'),
  refused('a version that does not exist', 'POST /first HTTP/1.9\r\nhost: localhost\r\n\r\n'),
  // HTTP/0.9: the connection ends with the response.
  { name: 'no version', bytes: 'GET /first\r\nhost: localhost\r\n\r\n', targets: ['/first'], refused: true },
  refused('a method in lower case', 'get /first HTTP/1.1\r\nhost: localhost\r\n\r\n'),
  refused('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),

  // Chunks.
  refusedBody('a chunk size beyond 64 bits', post([CHUNKED], `10000000000000003\r\nabc\r\n0\r\n\r\n`)),
  refusedBody('a chunk size with a sign', post([CHUNKED], '+3\r\nabc\r\n0\r\n\r\n')),
  refusedBody('a chunk size in C notation', post([CHUNKED], '0x3\r\nabc\r\n0\r\n\r\n')),
  refusedBody('a chunk size with a space before it', post([CHUNKED], ' 3\r\nabc\r\n0\r\n\r\n')),
  refusedBody('a chunk that ends with LF', post([CHUNKED], '3\r\nabc\n0\r\n\r\n')),
  refusedBody('a chunk that is longer than announced', post([CHUNKED], '3\r\nabcd\r\n0\r\n\r\n')),
  refusedBody('a chunk size that ends with LF', post([CHUNKED], '3\nabc\r\n0\r\n\r\n')),
  refusedBody('a bare CR in a chunk extension', post([CHUNKED], '3;a\rb\r\nabc\r\n0\r\n\r\n')),
  refusedBody('a bare LF in a chunk extension', post([CHUNKED], `3;a\nabc\r\n0\r\n\r\n`)),
  refusedBody('a NUL in a chunk extension', post([CHUNKED], '3;a=\u0000\r\nabc\r\n0\r\n\r\n')),
  accepted('chunk extensions', post([CHUNKED], '3;a=b;c="d"\r\nabc\r\n0;e\r\n\r\n')),
  accepted('trailers', post([CHUNKED, 'trailer: x-a'], '3\r\nabc\r\n0\r\nx-a: 1\r\n\r\n')),
  refusedBody(
    'a length among the trailers',
    post([CHUNKED], `3\r\nabc\r\n0\r\ncontent-length: ${SECOND.length}\r\n\r\n`),
  ),

  // Names that Node represents in another way than as one text.
  accepted('a header named __proto__', post(['__proto__: 1', length('abc')], 'abc')),
  accepted('a Set-Cookie header', post(['set-cookie: a=b', length('abc')], 'abc')),

  // What ends the connection, or changes its protocol.
  { ...accepted('Connection: close', post(['connection: close', length('abc')], 'abc'), ['/first']), refused: true },
  {
    ...accepted('Proxy-Connection: close', post(['proxy-connection: close', length('abc')], 'abc'), ['/first']),
    refused: true,
  },
  accepted('Connection with other options', post(['connection: keep-alive, x-a', 'x-a: 1', length('abc')], 'abc')),
  { ...accepted('HTTP/1.0', 'GET /first HTTP/1.0\r\nhost: localhost\r\n\r\n', ['/first']), refused: true },
  {
    ...accepted('Expect of HTTP/1.0', 'GET /first HTTP/1.0\r\nhost: localhost\r\nexpect: 100-continue\r\n\r\n', [
      '/first',
    ]),
    refused: true,
  },
];
