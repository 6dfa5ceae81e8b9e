import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CloudAssembly } from './cloud-assembly';

const run = promisify(execFile);

/** Options of the deployment, as `cdk deploy -c name=value` takes them. */
export type DeploymentOptions = Readonly<Record<string, string>>;

export interface Artifacts {
  readonly assembly: CloudAssembly;
  /** The service's image, unpacked. */
  readonly image: string;
}

/** Templates, bundles and image for these options: from the last time where no source has changed since. */
export async function buildArtifacts(options: DeploymentOptions): Promise<Artifacts> {
  const { stdout } = await run(process.execPath, [join(__dirname, 'build.mjs'), JSON.stringify(options)]);
  const directory = stdout.trimEnd().split('\n').at(-1) ?? '';
  return { assembly: CloudAssembly.read(join(directory, 'cdk.out')), image: join(directory, 'image') };
}
