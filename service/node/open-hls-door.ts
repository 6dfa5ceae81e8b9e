import type { ServiceConfig } from '../config/service-config';
import { HlsDoor, type ViewerAdmission } from '../http/hls-door';
import type { OutputsHost } from '../outputs/host/outputs-host';

export interface HlsSurroundings {
  readonly config: Pick<ServiceConfig, 'outputs' | 'limits' | 'httpPlaying'>;
  readonly host: OutputsHost | undefined;
  readonly admits: (channel: string, key: string) => Promise<ViewerAdmission>;
}

/** Lets viewers in to packaged streams; undefined when this machine has none that it could show. */
export function openHlsDoor({ config, host, admits }: HlsSurroundings): HlsDoor | undefined {
  const { place } = config.outputs.hls;
  if (host === undefined || place === undefined || place.kind === 's3' || config.httpPlaying.maxPlayers === 0)
    return undefined;
  const { playWhitelist } = config.limits;
  return new HlsDoor({
    program: () => host.http,
    mayPlay: (address) => playWhitelist.isEmpty || playWhitelist.allows(address),
    admits,
    origins: config.httpPlaying.origins,
    maxAnswers: config.httpPlaying.maxPlayers,
  });
}
