// Run as a separate program: asks the handler that the environment names, as the server would, and prints the answer.
import { CallbackClient } from '../../../service/auth/callback-client';
import { loadServiceConfig } from '../../../service/config/service-config';

const { callback } = loadServiceConfig(process.env).config;
if (!callback) {
  throw new Error('CALLBACK_URL is missing');
}
const client = new CallbackClient(callback);
void client.post('e30.e30.c2ln', callback.timeoutMs).then((answer) => {
  process.stdout.write(JSON.stringify(answer));
  client.close();
});
