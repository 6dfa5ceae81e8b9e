/** Names of the settings that say where a server listens. */
export interface PlaceVariables {
  readonly port: string;
  readonly bindAddress: string;
}

/** Why a port cannot be listened on, in words for an operator, with the setting to change. */
export function describeListenError(error: unknown, { port, bindAddress }: PlaceVariables): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return `another process uses it (EADDRINUSE); ${port} can name another port`;
  if (code === 'EACCES') return `this user may not use it (EACCES): below 1024 needs a privilege; see ${port}`;
  if (code === 'EADDRNOTAVAIL') return `this machine does not have the address of ${bindAddress} (EADDRNOTAVAIL)`;
  if (code === 'ENOTFOUND') return `the host name of ${bindAddress} is not known (ENOTFOUND)`;
  return message;
}
