import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A packet's way between two places; a loss of 1 is a cut. */
export interface WireRule {
  readonly from: Place;
  readonly to: Place;
  /** Milliseconds. */
  readonly delay?: number;
  /** Share of the packets. */
  readonly loss?: number;
}

/** A node by its number, Redis, or where handler, secrets and the outputs' targets are. */
export type Place = number | 'redis' | 'hub';

const run = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8' });
const ip = (...args: string[]): string => run('ip', ...args);

/**
 * A network namespace for each node. Clients reach a node directly (10.78.N.2); nodes reach each other, Redis and the hub only
 * over a wire that can be cut and slowed (10.77.0.x). All of it is in namespaces of this process, and ends with it.
 */
export class FaultNetwork {
  #rules: readonly WireRule[] = [];

  private constructor(
    private readonly wire: ChildProcess,
    readonly nodes: number,
  ) {}

  /**
   * Begins again, with more arguments, in namespaces of its own for network and mounts, as root or where users may have
   * namespaces; gives the exit code of that. Undefined: these are the namespaces.
   */
  static async inNamespaces(more: readonly string[]): Promise<number | undefined> {
    if (process.env['RTMP_FAULTS_INSIDE'] !== undefined) return undefined;
    const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const own = [process.execPath, ...process.execArgv, ...process.argv.slice(1), ...more];
    const child = spawn('unshare', [...user, '--net', '--mount', '--', ...own], {
      stdio: 'inherit',
      env: { ...process.env, RTMP_FAULTS_INSIDE: '1' },
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  }

  static async start(nodes: number): Promise<FaultNetwork> {
    ip('link', 'set', 'lo', 'up');
    run('mount', '-t', 'tmpfs', 'none', '/run');
    run('mkdir', '/run/netns');
    const places: ('hub' | number)[] = ['hub', ...Array.from({ length: nodes }, (_, at) => at)];
    const devices = places.map((place) => `${deviceOf(place)}=${addressesOf(place).join(',')}`);
    const wire = spawn('python3', [join('test', 'bench', 'faults', 'wire.py'), ...devices], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    process.once('exit', () => wire.kill('SIGKILL'));
    await Promise.race([
      once(wire.stdout, 'data'),
      once(wire, 'exit').then(() => Promise.reject(new Error('the wire between the namespaces did not start'))),
    ]);
    for (const place of places) {
      const within = place === 'hub' ? [] : ['-n', nameOf(place)];
      if (place !== 'hub') {
        ip('netns', 'add', nameOf(place));
        ip(...within, 'link', 'set', 'lo', 'up');
        ip('link', 'set', deviceOf(place), 'netns', nameOf(place));
        ip('link', 'add', `front${place}`, 'type', 'veth', 'peer', 'name', 'front', 'netns', nameOf(place));
        ip('addr', 'add', `10.78.${place}.1/24`, 'dev', `front${place}`);
        ip('link', 'set', `front${place}`, 'up');
        ip(...within, 'addr', 'add', `${FaultNetwork.front(place)}/24`, 'dev', 'front');
        ip(...within, 'link', 'set', 'front', 'up');
      }
      for (const address of addressesOf(place)) ip(...within, 'addr', 'add', `${address}/24`, 'dev', deviceOf(place));
      ip(...within, 'link', 'set', deviceOf(place), 'mtu', '9000', 'up');
    }
    return new FaultNetwork(wire, nodes);
  }

  /** Where nodes reach a place. */
  static address(place: Place): string {
    return `10.77.0.${place === 'hub' ? 100 : place === 'redis' ? 101 : place + 1}`;
  }

  /** Where clients reach a node. */
  static front(node: number): string {
    return `10.78.${node}.2`;
  }

  /** Before a command: it then runs in the namespace of the node, with the same process id. */
  static within(node: number): readonly string[] {
    return ['ip', 'netns', 'exec', nameOf(node)];
  }

  /** Both directions of each way change; all other ways are free again. */
  set(ways: readonly WireRule[]): void {
    this.#rules = ways.flatMap((way) => [way, { ...way, from: way.to, to: way.from }]);
    const lines = this.#rules.map((rule) => ({
      ...rule,
      ...{ from: FaultNetwork.address(rule.from), to: FaultNetwork.address(rule.to) },
    }));
    this.wire.stdin!.write(`${JSON.stringify(lines)}\n`);
  }

  stop(): void {
    this.wire.kill('SIGKILL');
  }
}

/** Redis is at the hub, too, with an address of its own. */
const addressesOf = (place: Place): string[] =>
  (place === 'hub' ? (['hub', 'redis'] as const) : [place]).map((one) => FaultNetwork.address(one));
const nameOf = (node: number): string => `node${node}`;
const deviceOf = (place: Place): string => (typeof place === 'number' ? `wire${place}` : 'hub');
