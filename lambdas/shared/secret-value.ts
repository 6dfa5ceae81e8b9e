/** A secret whose content does not have the expected form. The message never quotes the content. */
export class SecretFormatError extends Error {
  override readonly name = 'SecretFormatError';
}

function parseObject(text: string): Record<string, unknown> | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // A password may well begin with a brace.
  }
}

/**
 * The secret's text: either the whole string, or one field of a JSON object.
 * @throws SecretFormatError when it is empty, binary, or an object without that field.
 */
export function readSecretField(secretString: string | undefined, field: string): string {
  if (secretString === undefined || secretString === '') throw new SecretFormatError('the secret has no text value');
  const object = parseObject(secretString);
  if (object === undefined) return secretString;
  const value = object[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new SecretFormatError(`the secret is a JSON object without a text field "${field}"`);
}

/** The secret with a new value in the same form: the other fields of a JSON object are kept. */
export function replaceSecretField(secretString: string | undefined, field: string, value: string): string {
  const object = secretString === undefined ? undefined : parseObject(secretString);
  return object === undefined ? value : JSON.stringify({ ...object, [field]: value });
}
