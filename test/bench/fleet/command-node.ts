import { Operators } from '../../../service/operators/operators';
import { silentLogger } from '../../../service/logging/silent-logger';
import { NameGrammar } from '../../../service/protocol/name-grammar';
import type { BenchNode } from './bench-node';

export const COMMANDS = 'rtmp_commands';
const LOGIN = { username: undefined, password: undefined, tls: undefined, channel: COMMANDS };
const NAMES = new NameGrammar({ maxLength: 128, allowEmpty: false, allowSpecialCharacters: false });
const LOOK_MS = 50;

/** The real part of a node that hears operators' commands, reports them to the registry and replies. */
export async function listen(node: BenchNode, port: number): Promise<Operators> {
  const { store, live } = node;
  const operators = new Operators({
    config: { ...LOGIN, host: '127.0.0.1', port },
    names: NAMES,
    log: silentLogger,
    member: {
      id: store.self.id,
      known: () => store.knownNodes.map(({ id }) => id),
      registered: async () => (await store.nodes()).map(({ id }) => id),
    },
    remember: (command) => store.remember(command),
    carryOut: (command) => {
      if (command.verb === 'list') {
        const streams = [...live.keys()].map((channel) => ({
          channel,
          streamId: 'id',
          client: '192.0.2.1',
          players: 1,
        }));
        return { acted: true, detail: `${streams.length} streams`, streams };
      }
      const isHere = 'channel' in command && live.has(command.channel);
      return { acted: isHere, detail: isHere ? 'ended' : 'no stream is live on this channel' };
    },
  });
  while (!operators.connected) await new Promise((wake) => setTimeout(wake, LOOK_MS));
  return operators;
}
