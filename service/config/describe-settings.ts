import type { LoadedConfig } from './service-config';

/**
 * Settings as text.
 *
 * @param what `print`: each setting, as a `.env` file has it; `check`: only that they are usable
 */
export function describeSettings(
  { settings, warnings }: Pick<LoadedConfig, 'settings' | 'warnings'>,
  what: 'print' | 'check',
): string {
  const notes = warnings.map((warning) => `# Warning: ${warning}`);
  const lines = settings.map(({ name, value, isDefault }) => {
    if (value === undefined) return `# ${name} is not set`;
    return isDefault ? `# ${name}=${value}  (default)` : `${name}=${value}`;
  });
  return `${[...notes, ...(what === 'print' ? lines : ['The settings are usable.'])].join('\n')}\n`;
}
