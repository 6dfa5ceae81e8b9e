import { LifeNode } from '../service/leases/redis/life-node';

/** The test's request to a node in a separate process: publish all these channels at the same time. */
export interface ChildTask {
  readonly publish: readonly string[];
}

/** The node's report, after each task and after everything that it hears. */
export interface ChildReport {
  readonly ready?: true;
  /** Channels of the last task that are live on this node now, with their publishes. */
  readonly published?: readonly (readonly [channel: string, publish: string])[];
  /** What it has heard of publishes that were live. */
  readonly ended: readonly (readonly [publish: string, how: string])[];
  /** `jti` of the stops that it has to send. */
  readonly stops: readonly string[];
}

async function run(port: number): Promise<void> {
  const node = await LifeNode.start({ port });
  const known: string[] = [];
  const report = (more: Partial<ChildReport> = {}): void => {
    const ended = known.flatMap((publish) => node.heard(publish).map((how) => [publish, how] as const));
    process.send?.({ ended, stops: node.stops.map(({ jti }) => jti), ...more } satisfies ChildReport);
  };
  node.whenTold(() => report());
  process.on('message', (task: ChildTask) => {
    void Promise.all(task.publish.map((channel) => node.publish(channel, `stream-of-${channel}`))).then((attempts) => {
      const live = attempts.filter(({ outcome }) => outcome === 'letIn');
      known.push(...live.map(({ publish }) => publish));
      report({ published: live.map(({ channel, publish }) => [channel, publish]) });
    });
  });
  process.on('disconnect', () => process.exit());
  report({ ready: true });
}

void run(Number(process.argv[2]));
