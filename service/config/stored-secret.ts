import type { Environment } from './environment';

/** A secret that lives in AWS Secrets Manager and is read, again and again, while the service runs. */
export interface StoredSecret {
  readonly arn: string;
  /** Where it lives: the region of the ARN. */
  readonly region: string;
  /** Which field is meant when the secret is a JSON object; any other text is the secret itself. */
  readonly field: string;
}

const ARN = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:\S+$/;

/** For those who read a secret only when something else is set: its variables count as settings anyway. */
export function declareStoredSecret(env: Environment, name: string): void {
  env.knows(name, `${name}_ARN`, `${name}_FIELD`);
}

/**
 * Reads `<name>_ARN` and `<name>_FIELD`, which stand in for the variable `name` itself: with both there would be two
 * answers to one question, so that is a fault.
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
