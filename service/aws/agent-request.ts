import { request } from 'node:http';

export interface AgentRequest {
  /** Makes the request a PUT with this JSON text. */
  readonly json?: string;
  /** Time limit of the whole answer. */
  readonly timeoutMs: number;
  /** A longer answer is not read to its end; the request fails. */
  readonly maxBytes: number;
}

export interface AgentAnswer {
  readonly status: number | undefined;
  readonly text: string;
}

/**
 * Asks one of the plain HTTP endpoints that the ECS agent offers to a task. Resolves with any status.
 *
 * @throws when there is no complete answer in time
 */
export function askAgent(url: URL, { json, timeoutMs, maxBytes }: AgentRequest): Promise<AgentAnswer> {
  return new Promise((resolve, reject) => {
    const content = json && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) };
    const options = { ...(content && { method: 'PUT', headers: content }), signal: AbortSignal.timeout(timeoutMs) };
    const sent = request(url, options, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        parts.push(part);
        if (bytes > maxBytes) response.destroy(new Error(`more than ${maxBytes} bytes`));
      });
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(parts).toString('utf8') }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(json);
  });
}

/** The fields of a JSON object; none of any other value. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
