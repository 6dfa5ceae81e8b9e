import type { NameLimits } from '../protocol/name-grammar';
import type { Environment } from './environment';

/** The rules for channels and keys. */
export function readNameSettings(env: Environment): NameLimits {
  return {
    maxLength: env.integer('ID_MAX_LENGTH', { min: 1, max: 1024, fallback: 128 }),
    allowEmpty: env.flag('ID_ALLOW_EMPTY', false),
    allowSpecialCharacters: env.flag('ID_ALLOW_SPECIAL_CHARACTERS', false),
  };
}
