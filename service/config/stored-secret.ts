import type { Environment } from './environment';

/** A secret in AWS Secrets Manager that is read at intervals while the service runs. */
export interface StoredSecret {
  readonly arn: string;
  /** The region in the ARN. */
  readonly region: string;
  /** The field to use when the secret is a JSON object; any other text is the secret itself. */
  readonly field: string;
}

const ARN = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:\S+$/;

/** Declares a secret's variables as known settings, for callers that read it only when other settings need it. */
export function declareStoredSecret(env: Environment, name: string): void {
  env.knows(name, `${name}_ARN`, `${name}_FIELD`);
}

/**
 * Reads `<name>_ARN` and `<name>_FIELD`, which replace the variable `name`. Setting both is a fault, since the two may
 * differ.
 */
export function readStoredSecret(env: Environment, name: string, defaultField: string): StoredSecret | undefined {
  const variable = `${name}_ARN`;
  declareStoredSecret(env, name);
  const arn = env.text(variable)?.trim();
  const field = env.text(`${name}_FIELD`) ?? defaultField;
  if (arn === undefined) return undefined;
  if (env.text(name) !== undefined) env.fault(variable, `one of ${name} and ${variable}`, `${name} is set too`);
  const region = ARN.exec(arn)?.[1];
  if (region !== undefined) return { arn, region, field };
  env.fault(variable, 'the ARN of a Secrets Manager secret, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME');
  return undefined;
}
