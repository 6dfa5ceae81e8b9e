import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from './fleet';
import { Haproxy } from '../programs/haproxy';

const CHECK_MS = 100;
const PATIENCE_MS = 15_000;

/** A real HAProxy in front of a fleet: new connections go to nodes that report ready; existing ones continue. */
export class FleetFront {
  private constructor(
    private readonly fleet: Fleet,
    private readonly haproxy: Haproxy,
  ) {}

  static async start(fleet: Fleet): Promise<FleetFront> {
    const servers = fleet.nodes.map((_, at) => `  server ${fleet.nodeId(at)} 127.0.0.1:1 disabled\n`);
    const haproxy = await Haproxy.start({
      ports: new Map([['rtmp', undefined]]),
      configuration: (port) =>
        `defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n` +
        `listen rtmp\n  bind 127.0.0.1:${port('rtmp')}\n  balance roundrobin\n  option httpchk GET /readyz\n` +
        `  default-server check inter ${CHECK_MS}ms fall 1 rise 1\n${servers.join('')}`,
    });
    const front = new FleetFront(fleet, haproxy);
    await Promise.all(fleet.nodes.map((_, at) => front.follow(at)));
    return front;
  }

  get port(): number {
    return this.haproxy.port('rtmp');
  }

  /** Sends connections to the present node at this index; resolves when HAProxy knows that it is ready. */
  async follow(at: number): Promise<void> {
    const { rtmpPort, httpPort } = this.fleet.node(at);
    const name = `rtmp/${this.fleet.nodeId(at)}`;
    await this.haproxy.command(`set server ${name} addr 127.0.0.1 port ${rtmpPort}`);
    await this.haproxy.command(`set server ${name} check-addr 127.0.0.1 port ${httpPort}`);
    await this.haproxy.command(`set server ${name} state ready`);
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const status = (await this.haproxy.statuses()).get(name);
      if (status?.startsWith('UP') === true) return;
      if (Date.now() > deadline) throw new Error(`${name} is ${String(status)}`);
      await sleep(CHECK_MS);
    }
  }

  stop(): Promise<void> {
    return this.haproxy.stop();
  }
}
