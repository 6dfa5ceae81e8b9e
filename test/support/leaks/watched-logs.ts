import { Secrets } from './secrets';

/** What the tests of this file have given to servers; each file of tests has its own. */
export const secrets = new Secrets();

const logs = new Map<string, () => string>();

/** A program of ours, by the file that it runs. */
const OWN_PROGRAM = /(?:rtmp-server|rtmp-outputs)\.cjs$/;

/** Has the log of a program judged when the tests of the file are over, if it is one of ours. */
export function watchProgram(words: readonly string[], variables: NodeJS.ProcessEnv, log: () => string): void {
  for (const word of words) secrets.addKeysOfUrls(word);
  if (!words.some((word) => OWN_PROGRAM.test(word))) return;
  secrets.addVariables(variables);
  watchLog(`the log of ${words.join(' ')}`, log);
}

/** Has a log judged when the tests of the file are over. */
export function watchLog(name: string, log: () => string): void {
  logs.set(`${logs.size + 1}: ${name}`, log);
}

/** Throws when a secret or a whole stream key is in a watched log. */
export function checkLogs(): void {
  const found = [...logs].flatMap(([name, log]) =>
    secrets.findIn(log()).map(({ secret, line }) => `${JSON.stringify(secret)} is in ${name}:\n  ${line}`),
  );
  if (found.length > 0) throw new Error(`secrets have been logged:\n${found.join('\n')}`);
}
