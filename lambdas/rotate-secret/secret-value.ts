import { secretObject } from '../../service/aws/secret-text';

/** The secret with a new value in the same form: the other fields of a JSON object are kept. */
export function replaceSecretField(secretString: string | undefined, field: string, value: string): string {
  const object = secretString === undefined ? undefined : secretObject(secretString);
  return object === undefined ? value : JSON.stringify({ ...object, [field]: value });
}
