/** The rules for channels and keys. */
export interface NameLimits {
  /** Characters (UTF-16 code units). */
  readonly maxLength: number;
  readonly allowEmpty: boolean;
  /** Allows everything but `>` and `|`, which separate the parts of operators' commands, and control characters. */
  readonly allowSpecialCharacters: boolean;
}

const PLAIN = /^[A-Za-z0-9_-]*$/;
/** Without control characters and line ends, since names appear in log lines, commands and headers. */
const SPECIAL = /^[^>|\p{Cc}\p{Zl}\p{Zp}\p{Cs}]*$/u;

/** Tells names from other texts. */
export class NameGrammar {
  readonly #limits: NameLimits;
  readonly #characters: RegExp;

  constructor(limits: NameLimits) {
    this.#limits = limits;
    this.#characters = limits.allowSpecialCharacters ? SPECIAL : PLAIN;
  }

  get allowsEmpty(): boolean {
    return this.#limits.allowEmpty;
  }

  /** Whether `/` may be part of a name. */
  get allowsSlash(): boolean {
    return this.#limits.allowSpecialCharacters;
  }

  /** The rules in words, for messages: `1 to 128 letters, digits, - and _`. */
  get description(): string {
    const { maxLength, allowEmpty, allowSpecialCharacters } = this.#limits;
    const count = `${allowEmpty ? 0 : 1} to ${maxLength}`;
    return allowSpecialCharacters
      ? `${count} characters other than >, | and control characters`
      : `${count} letters, digits, - and _`;
  }

  isName(text: string): boolean {
    const { maxLength, allowEmpty } = this.#limits;
    return text.length <= maxLength && (text !== '' || allowEmpty) && this.#characters.test(text);
  }
}

/** Accepts every text that is a valid name under any settings. */
export const ANY_NAME = new NameGrammar({ maxLength: 1024, allowEmpty: true, allowSpecialCharacters: true });
