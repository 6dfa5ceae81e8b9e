import { type DoctorOptions, examine } from '../../../service/cli/doctor/doctor';
import type { Finding } from '../../../service/cli/doctor/finding';

/** What `doctor` finds with these variables, by the name of the check; of several findings the first. */
export async function examined(
  env: Readonly<Record<string, string>>,
  options: Partial<DoctorOptions> = {},
): Promise<ReadonlyMap<string, Finding>> {
  const findings = await examine({ env, found: () => undefined, ...options });
  return new Map([...findings].reverse().map((finding) => [finding.check, finding]));
}

/** A finding as `MARK sentence → what to do`. */
export function line(finding: Finding | undefined): string {
  if (finding === undefined) return 'not checked';
  return `${finding.mark} ${finding.says}${finding.todo === undefined ? '' : ` → ${finding.todo}`}`;
}
