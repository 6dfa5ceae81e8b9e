/** Why a port cannot be listened on, in words for an operator. */
export function describeListenError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return 'another process uses it (EADDRINUSE)';
  if (code === 'EACCES') return 'this user may not use it (EACCES); ports below 1024 need a privilege';
  return message;
}
