import { request } from 'node:http';

export interface AgentRequest {
  /** Makes it a PUT with this JSON text. */
  readonly json?: string;
  /** For the whole answer. */
  readonly timeoutMs: number;
  /** Longer answers are not read to their end, and fail. */
  readonly maxBytes: number;
}

export interface AgentAnswer {
  readonly status: number | undefined;
  readonly text: string;
}

/**
 * Asks one of the plain HTTP endpoints that the ECS agent offers to a task. Resolves whatever the status is.
 *
 * @throws when there is no whole answer in time
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

/** The fields of a JSON object; none when it is something else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
