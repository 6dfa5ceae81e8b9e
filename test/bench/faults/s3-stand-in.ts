import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** As much of S3 as recordings need, in memory; it forgets bodies, and fails while told to. */
export class S3StandIn {
  isFailing = false;
  /** Objects by their size. */
  readonly objects = new Map<string, number>();
  readonly #uploads = new Map<string, number>();

  private constructor(
    private readonly server: Server,
    private readonly host: string,
  ) {}

  static async start(host: string): Promise<S3StandIn> {
    const server = createServer((request, response) => {
      stand.#serve(request, response).catch(() => request.socket.destroy());
    });
    const stand = new S3StandIn(server, host);
    server.listen(0, host);
    await once(server, 'listening');
    return stand;
  }

  get endpoint(): string {
    return `http://${this.host}:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let bytes = 0;
    const hash = createHash('md5');
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      hash.update(part);
    }
    if (this.isFailing) return void response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    const url = new URL(request.url ?? '/', 'http://s3');
    const [key, upload] = [url.pathname, url.searchParams.get('uploadId')];
    const etag = `"${hash.digest('hex')}"`;
    const xml = (text: string): void => void response.writeHead(200, { 'content-type': 'application/xml' }).end(text);
    if (request.method === 'POST' && url.searchParams.has('uploads')) {
      const id = `upload-${this.#uploads.size}`;
      this.#uploads.set(id, 0);
      xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    } else if (request.method === 'POST' && upload !== null) {
      this.objects.set(key, this.#uploads.get(upload) ?? 0);
      xml(`<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`);
    } else if (request.method === 'PUT') {
      if (upload === null) this.objects.set(key, bytes);
      else this.#uploads.set(upload, (this.#uploads.get(upload) ?? 0) + bytes);
      response.writeHead(200, { etag }).end();
    } else if (request.method === 'DELETE') {
      this.objects.delete(key);
      response.writeHead(204).end();
    } else if (request.method === 'GET' && url.searchParams.has('uploads'))
      xml('<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>');
    else if (request.method === 'GET' && url.searchParams.has('list-type'))
      xml('<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>');
    else response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
  }
}
