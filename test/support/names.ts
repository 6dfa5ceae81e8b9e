import { NameGrammar } from '../../service/protocol/name-grammar';

/** Names by the default settings. */
export const PLAIN_NAMES = new NameGrammar({ maxLength: 128, allowEmpty: false, allowSpecialCharacters: false });

/** Names with ID_ALLOW_SPECIAL_CHARACTERS. */
export const SPECIAL_NAMES = new NameGrammar({ maxLength: 128, allowEmpty: false, allowSpecialCharacters: true });

/** Names with ID_ALLOW_EMPTY and ID_ALLOW_SPECIAL_CHARACTERS. */
export const FREE_NAMES = new NameGrammar({ maxLength: 128, allowEmpty: true, allowSpecialCharacters: true });
