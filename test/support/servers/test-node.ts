import { afterEach } from '@jest/globals';
import type { EnvironmentValues } from '../../../service/config/environment';
import { loadServiceConfig } from '../../../service/config/service-config';
import { startNode, type NodeOptions, type RunningNode } from '../../../service/node/node';
import { secrets, watchLog } from '../leaks/watched-logs';
import { MemoryLogger } from '../memory-logger';

/** A node within the test's own process. */
export interface TestNode {
  readonly ports: RunningNode['ports'];
  readonly log: MemoryLogger;
  /** Status and text of a page of its HTTP port; needs HTTP_PORT. */
  page(path: string): Promise<{ readonly status: number; readonly text: string }>;
  /** The value of a metric, by name and labels as /metrics shows them; 0 when it is absent. */
  metric(name: string): Promise<number>;
  /** Ends it; nodes that are left running end after the test. */
  stop(): Promise<void>;
}

const running = new Set<TestNode>();

afterEach(async () => {
  await Promise.all([...running].map((node) => node.stop()));
});

/** Starts a node with these variables on loopback, on free ports. */
export async function startTestNode(
  values: EnvironmentValues = {},
  options: Pick<NodeOptions, 'ioPath'> = {},
): Promise<TestNode> {
  const log = new MemoryLogger();
  secrets.addVariables(values);
  watchLog('the log of a node within the test', () => log.lines.join('\n'));
  const tls = values['SSL_CERT'] !== undefined || values['SSL_CERT_ARN'] !== undefined ? { SSL_PORT: '0' } : {};
  const { config } = loadServiceConfig({
    RTMP_PORT: '0',
    HTTP_PORT: '0',
    BIND_ADDRESS: '127.0.0.1',
    DRAIN_SECONDS: '1',
    ...tls,
    ...values,
  });
  const started = await startNode({ config, log, version: 'test', ...options });
  const page = async (path: string): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`http://127.0.0.1:${started.ports.http}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  const node: TestNode = {
    ports: started.ports,
    log,
    page,
    async metric(name) {
      const { text } = await page('/metrics');
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
      return line === undefined ? 0 : Number(line.slice(name.length + 1));
    },
    async stop() {
      running.delete(node);
      await started.stop();
    },
  };
  running.add(node);
  return node;
}
