/** A secret whose content does not have the expected form. The message never quotes the content. */
export class SecretFormatError extends Error {
  override readonly name = 'SecretFormatError';
}

/**
 * The whole text of a secret, or one field of it when it is a JSON object.
 *
 * @throws SecretFormatError when there is no text, or an object without that field
 */
export function secretField(text: string | undefined, field: string): string {
  if (text === undefined || text === '') throw new SecretFormatError('the secret has no text value');
  const object = secretObject(text);
  if (object === undefined) return text;
  const value = object[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new SecretFormatError(`the secret is a JSON object without a text field "${field}"`);
}

/** A secret that is a JSON object; undefined when it is plain text. */
export function secretObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined; // A password may well begin with a brace.
  }
}
