import { Attacker } from '../abuse/attacker';
import { HonestStreams } from '../abuse/honest-streams';
import { ChurnLoad } from './churn-load';
import type { GeneratorAnswer, GeneratorApis, GeneratorRequest, GeneratorRole } from './generator-api';
import { PlayerLoad } from './player-load';
import { PublisherLoad } from './publisher-load';
import { Witnesses } from '../soak/witnesses';

type Calls = Readonly<Record<string, ((params: unknown) => Promise<unknown>) | undefined>>;

const loads: { readonly [Role in GeneratorRole]: () => GeneratorApis[Role] } = {
  publishers: () => new PublisherLoad(),
  players: () => new PlayerLoad(),
  churn: () => new ChurnLoad(),
  honest: () => new HonestStreams(),
  attacker: () => new Attacker(),
  witnesses: () => new Witnesses(),
};

/** A process of the load generator: executes the benchmark's requests until the channel closes. */
function main(role: GeneratorRole): void {
  const calls = loads[role]() as unknown as Calls;
  process.on('message', (message) => {
    void carryOut(calls, message as GeneratorRequest).then((answer) => process.send?.(answer));
  });
  process.on('disconnect', () => process.exit(0));
}

async function carryOut(calls: Calls, { id, method, params }: GeneratorRequest): Promise<GeneratorAnswer> {
  try {
    return { id, result: await calls[method]?.(params) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

main(process.argv[2] as GeneratorRole);
