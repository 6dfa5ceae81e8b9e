import type { GeneratorAnswer, GeneratorMethod, GeneratorRequest } from './generator-api';
import { Load } from './load';

/** The load generator's process: carries out the benchmark's requests one by one until the channel closes. */
function main(): void {
  const load = new Load();
  process.on('message', (message) => {
    const request = message as GeneratorRequest;
    void carryOut(load, request).then((answer) => process.send?.(answer));
  });
  process.on('disconnect', () => process.exit(0));
}

async function carryOut(load: Load, request: GeneratorRequest): Promise<GeneratorAnswer> {
  try {
    const callable = load as Readonly<Record<GeneratorMethod, (params: unknown) => Promise<unknown>>>;
    return { id: request.id, result: await callable[request.method](request.params) };
  } catch (error) {
    return { id: request.id, error: error instanceof Error ? error.message : String(error) };
  }
}

main();
