import { SecretsManager } from '../../aws/secrets-manager';
import type { EnvironmentValues } from '../../config/environment';
import type { TestChannel } from '../../round-trip/round-trip';
import type { RtmpAddress } from '../../round-trip/rtmp-address';
import { checkCallback } from './callback-checks';
import { checkCertificate } from './certificate-checks';
import { checkConfiguration } from './configuration-check';
import type { Examination } from './examination';
import type { Finding } from './finding';
import { checkDescriptors, checkIoPath, checkNodeVersion } from './machine-checks';
import { checkOutputs } from './outputs-checks';
import { checkReadiness, checkRtmpPort } from './port-checks';
import { checkPublish } from './publish-check';
import { checkRedis } from './redis-checks';
import { checkSecrets } from './secret-checks';

export interface DoctorOptions {
  /** The variables of the server, those of its .env file included. */
  readonly env: EnvironmentValues;
  /** HTTP_PORT is the default of `npm start`: the server may have another, or none. */
  readonly assumesHttpPort?: boolean;
  /** About lines of the .env file that cannot be read. */
  readonly warnings?: readonly string[];
  readonly clientAddress?: RtmpAddress | undefined;
  readonly channel?: TestChannel | undefined;
  /** The time of this machine (ms since the epoch). */
  readonly now?: () => number;
  /** Told each finding as soon as it is known. */
  readonly found: (finding: Finding) => void;
}

/** Makes all checks, one after the other, and returns what they found. Never rejects because of what it examines. */
export async function examine(options: DoctorOptions): Promise<readonly Finding[]> {
  const { env, warnings, clientAddress, channel, now = Date.now, found } = options;
  const findings: Finding[] = [];
  const report = (...more: readonly Finding[]): void => {
    findings.push(...more);
    more.forEach(found);
  };
  report(checkNodeVersion(), await checkIoPath(), checkDescriptors());
  const { config, findings: ofSettings } = checkConfiguration(env, warnings);
  report(...ofSettings);
  // Every other check would examine something else than what the server would use.
  if (config === undefined) return findings;
  const secrets = new SecretsManager();
  try {
    const examination: Examination = { config, clientAddress, channel, readSecret: secrets.read, now };
    report(...(await checkSecrets(examination)));
    const port = await checkRtmpPort(examination);
    report(...port.findings, await checkReadiness(examination, options.assumesHttpPort));
    report(...(await checkCertificate(examination)));
    report(...(await checkRedis(examination)));
    report(...(await checkCallback(examination)));
    report(...(await checkOutputs(examination)));
    report(await checkPublish(examination, port.header));
  } finally {
    secrets.close();
  }
  return findings;
}
