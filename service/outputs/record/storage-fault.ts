import { codeOf, messageOf } from '../../errors/error-text';

const FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'no permission to write there: the user of the server needs it',
  EPERM: 'no permission to write there: the user of the server needs it',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'part of the path is no directory',
  ENAMETOOLONG: 'the path is too long',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
  ENFILE: 'too many open files on this machine',
  EIO: 'the disk reports an error',
};

/** Why files cannot be written, for operators. */
export function storageFault(error: unknown, place: string): string {
  const code = codeOf(error);
  const known = code === undefined ? undefined : FAULTS[code];
  return known === undefined ? `${place}: ${messageOf(error)}` : `${place}: ${known} (${code})`;
}
