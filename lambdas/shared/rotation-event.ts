/** The calls that Secrets Manager makes, in this order. Any of them may be repeated. */
export const ROTATION_STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

export type RotationStep = (typeof ROTATION_STEPS)[number];

export interface RotationEvent {
  readonly secretId: string;
  /** Version id of the new secret. */
  readonly token: string;
  readonly step: RotationStep;
}

/** A call that does not fit the secret's state; a retry will not help. */
export class RotationRefused extends Error {
  override readonly name = 'RotationRefused';
}

/** @throws RotationRefused when the event is not one of Secrets Manager's. */
export function parseRotationEvent(input: unknown): RotationEvent {
  const fields = (typeof input === 'object' && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const { SecretId: secretId, ClientRequestToken: token, Step } = fields;
  const step = ROTATION_STEPS.find((name) => name === Step);
  if (typeof secretId !== 'string' || secretId === '') throw new RotationRefused('the event has no SecretId');
  if (typeof token !== 'string' || token === '') throw new RotationRefused('the event has no ClientRequestToken');
  if (step === undefined) throw new RotationRefused(`Step must be one of ${ROTATION_STEPS.join(', ')}`);
  return { secretId, token, step };
}
