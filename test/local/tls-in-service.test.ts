import { connect } from 'node:tls';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { DeploymentOfFile } from './deployment-of-file';
import { createChannel } from './stream-channels';

const file = DeploymentOfFile.start({ tls: 'service' });

test('with tls=service the nodes end TLS themselves, with certificate and key from Secrets Manager', async () => {
  const { balancer, ca } = file.deployment;
  expect(balancer.listeners).toMatchObject([
    { port: 1935, protocol: 'TCP', group: { port: 1935 } },
    { port: 443, protocol: 'TCP', group: { port: 8443 } },
  ]);
  const key = await createChannel(file.deployment, 'sealed');
  const publisher = await file.publisher('sealed', key);
  expect(file.callbacksOf('sealed')).toMatchObject([{ event: 'start', client_ip: '127.0.0.2' }]);
  const player = await file.connect('sealed', { tls: false });
  await player.play(key);
  publisher.sendVideo(0, Buffer.from('1700000000', 'hex'));
  await player.nextVideo();
  publisher.deleteStream();
  await publisher.close();

  const stranger = connect({ port: file.port('rtmps'), host: '127.0.0.1', ca: ca.ca });
  await once(stranger, 'secureConnect');
  expect(stranger.getPeerCertificate().subject.CN).toBe('localhost');
  stranger.destroy();
});
