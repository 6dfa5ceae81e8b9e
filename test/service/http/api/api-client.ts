import type { TestNode } from '../../../support/servers/test-node';

/** OPERATOR_TOKEN of the tests' nodes. */
export const TOKEN = 'the-token-of-the-tests';
export const WITH_TOKEN = { authorization: `Bearer ${TOKEN}` };

export interface ApiAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly json: unknown;
}

/** Asks the API of a node. */
export async function get(node: Pick<TestNode, 'ports'>, path: string, init: RequestInit = {}): Promise<ApiAnswer> {
  const answer = await fetch(`http://127.0.0.1:${node.ports.http}/api/v1${path}`, init);
  const { status, headers } = answer;
  return { status, type: headers.get('content-type'), headers, json: await answer.json() };
}

/** Gives an order, with the token unless `headers` says otherwise. */
export function post(
  node: Pick<TestNode, 'ports'>,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = WITH_TOKEN,
): Promise<ApiAnswer> {
  return get(node, path, {
    method: 'POST',
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}
