import type { Problem } from '../../http/api/schemas/problem';

/** The server's own words about what went wrong, or ours when it could not be reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** undefined: there was no answer, or not one of this API. */
  readonly problem: Problem | undefined;

  constructor(message: string, problem?: Problem) {
    super(message);
    this.problem = problem;
  }

  get status(): number {
    return this.problem?.status ?? 0;
  }
}

/** Asks the API next to the page, wherever that is served: on a node, behind a proxy's path, on an operator's machine. */
export class ApiClient {
  readonly #base: URL;

  /** @param page address of the page */
  constructor(page: string) {
    this.#base = new URL('api/v1/', page);
  }

  /** @param path below `api/v1/`, with encoded parts */
  address(path: string): string {
    return new URL(path, this.#base).href;
  }

  /** @throws ApiError */
  get<T>(path: string): Promise<T> {
    return this.#ask(path, { method: 'GET' });
  }

  /** @throws ApiError */
  post<T>(path: string, body?: object): Promise<T> {
    if (body === undefined) return this.#ask(path, { method: 'POST' });
    const headers = { 'content-type': 'application/json' };
    return this.#ask(path, { method: 'POST', body: JSON.stringify(body), headers });
  }

  /** @throws ApiError */
  async bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const response = await this.#fetch(path, {});
    return new Uint8Array(await response.arrayBuffer());
  }

  async #ask<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.#fetch(path, init);
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.address(path), { ...init, credentials: 'same-origin', redirect: 'error' });
    } catch {
      throw new ApiError('The server does not answer.');
    }
    if (response.ok) return response;
    const problem = await problemOf(response);
    throw new ApiError(problem?.detail ?? `The server answered ${response.status} ${response.statusText}`, problem);
  }
}

/** The sentence to show for anything that was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function problemOf(response: Response): Promise<Problem | undefined> {
  if (response.headers.get('content-type')?.includes('json') !== true) return undefined;
  try {
    return (await response.json()) as Problem;
  } catch {
    return undefined;
  }
}
