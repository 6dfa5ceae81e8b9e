import { RotationRefused } from './rotation-event';

/** The answer of DescribeSecret. */
export interface SecretDescription {
  readonly RotationEnabled?: boolean | undefined;
  readonly VersionIdsToStages?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface RotationState {
  /** The new version is in use already: the call is repeated, and there is nothing left to do. */
  readonly finished: boolean;
  readonly currentVersionId: string;
}

/**
 * Whether a rotation to the version `token` may continue.
 * @throws RotationRefused when rotation is off, or `token` is not the pending version.
 */
export function rotationState(description: SecretDescription, token: string): RotationState {
  if (description.RotationEnabled !== true) throw new RotationRefused('rotation is not enabled for the secret');
  const versions = description.VersionIdsToStages ?? {};
  const stages = versions[token];
  if (stages === undefined) throw new RotationRefused(`the secret has no version ${token}`);
  const currentVersionId = Object.keys(versions).find((id) => versions[id]?.includes('AWSCURRENT'));
  if (currentVersionId === undefined) throw new RotationRefused('the secret has no current version');
  if (stages.includes('AWSCURRENT')) return { finished: true, currentVersionId };
  if (!stages.includes('AWSPENDING')) throw new RotationRefused(`version ${token} is not staged AWSPENDING`);
  return { finished: false, currentVersionId };
}
