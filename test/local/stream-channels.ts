import { invoke } from './aws/invoke';
import type { LocalDeployment } from './local-deployment';

/** Makes a channel with the stream-keys function and gives its key. */
export async function createChannel({ lambda, functions }: LocalDeployment, channel: string): Promise<string> {
  const { name } = functions.get('StreamKeys').settings;
  const created = (await invoke(lambda, name, { command: 'create', channel })) as { readonly key: string };
  return created.key;
}
