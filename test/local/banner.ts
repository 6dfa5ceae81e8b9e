import type { LocalDeployment } from './local-deployment';

export interface BannerOptions {
  readonly channel: string;
  readonly key: string;
  /** The file with the variables for a terminal. */
  readonly environmentFile: string;
}

/** Tells what can be done with a deployment that has just started. */
export function banner(deployment: LocalDeployment, { channel, key, environmentFile }: BannerOptions): string {
  const { balancer, ca, functions, service } = deployment;
  const urls = balancer.listeners.map(({ port, protocol }) => {
    const scheme = protocol === 'TLS' ? 'rtmps' : 'rtmp';
    return `${scheme}://127.0.0.1:${balancer.port(port)}/${channel}/${key}`;
  });
  const [url = ''] = urls;
  const callback = functions.get('JwtRotation').settings.variables['CALLBACK_URL'] ?? '';
  const nodes = [...service.tasks].map(({ ecsTask, port }) => `task-${ecsTask.id.slice(0, 4)} on ${port(1935)}`);
  const lambda = 'curl -s --aws-sigv4 aws:amz:$AWS_REGION:lambda --user $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY';
  const invocation = (name: string, payload: string): string =>
    `${lambda} \\\n      -d '${payload}' $AWS_ENDPOINT_URL/2015-03-31/functions/$${name}/invocations`;
  return `
The deployment is up: load balancer, ${nodes.length} nodes (${nodes.join(', ')}), callback at ${callback}

  Publish and play    ${urls.join('\n                      ')}
  Test pattern        ffmpeg -re -f lavfi -i testsrc2=s=640x360:r=25 -f lavfi -i sine -c:v libx264 -g 50 -c:a aac \\
                        -f flv ${url}
  Player              ffplay ${url}
  rtmps:// clients that check certificates need the authority in ${ca.caPath}

In another terminal, after   . ${environmentFile}
  Stream keys         npm run keys -- list
  End the stream      ${invocation('OPERATOR_FUNCTION', `{"command":"kill","channel":"${channel}"}`)}
  or by Redis         redis-cli --tls --cacert $CA_FILE -h $REDIS_HOST -p $REDIS_PORT --user default \\
                        publish rtmp_commands 'kill-session>${channel}'
  Canary              ${invocation('CANARY_FUNCTION', '{}')}

Ctrl-C ends all of it. What follows are the logs of nodes and functions.
`;
}
