import { RecordingNode } from '../service/leases/redis/recording-node';
import type { StopRecord } from '../../service/auth/stop-record';
import type { RegistryOrder } from '../../service/leases/lease-registry';

/** The test's request to a node in a separate process: publish all these channels at the same time. */
export interface ChildTask {
  readonly publish: readonly string[];
}

/** The node's report, after each task and after each notification of the registry. */
export interface ChildReport {
  readonly ready?: true;
  /** Channels of the last task that are live on this node now, with the `jti` of their stops. */
  readonly published?: readonly (readonly [channel: string, jti: string])[];
  readonly orders: readonly RegistryOrder[];
  readonly claimed: readonly StopRecord[];
  readonly stopsToSend: readonly StopRecord[];
}

async function run(port: number): Promise<void> {
  const node = await RecordingNode.start({ port });
  const report = (more: Partial<ChildReport> = {}): void => {
    const { orders, claimed, stopsToSend } = node;
    process.send?.({ orders, claimed, stopsToSend, ...more } satisfies ChildReport);
  };
  node.whenTold(() => report());
  process.on('message', (task: ChildTask) => {
    void Promise.all(task.publish.map((channel) => node.publish(channel, `stream-of-${channel}`))).then((requests) => {
      const live = requests.flatMap((request) => (request ? [[request.channel, request.stop.jti] as const] : []));
      report({ published: live });
    });
  });
  process.on('disconnect', () => process.exit());
  report({ ready: true });
}

void run(Number(process.argv[2]));
