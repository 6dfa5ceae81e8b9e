/**
 * Why a port cannot be listened on, in words for an operator.
 *
 * @param bindVariable the setting that holds the address; default: that of the HTTP port
 */
export function describeListenError(error: unknown, bindVariable = 'HTTP_BIND_ADDRESS'): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return 'another process uses it (EADDRINUSE)';
  if (code === 'EACCES') return 'this user may not use it (EACCES); ports below 1024 need a privilege';
  if (code === 'EADDRNOTAVAIL') return `this machine does not have the address of ${bindVariable} (EADDRNOTAVAIL)`;
  return message;
}
