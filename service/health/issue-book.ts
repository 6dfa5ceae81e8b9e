import type { Health, HealthIssue } from '../http/api/schemas/health';
import { type Finding, type IssueCode, ISSUES, type Severity } from './issue-codes';

interface Entry {
  finding: Finding;
  /** Looks in a row that saw it, or that did not. */
  seen: number;
  missed: number;
  /** When it was first seen (ms since the epoch). */
  readonly since: number;
  isShown: boolean;
}

const ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** The issues of a stream. An issue appears after several looks saw it, and goes after several looks did not. */
export class IssueBook {
  readonly #entries = new Map<IssueCode, Entry>();

  /**
   * Takes what a look has found; whether another issue, or another severity, is shown now.
   *
   * @param at milliseconds since the epoch
   */
  look(findings: readonly Finding[], at: number): boolean {
    let isChanged = false;
    for (const entry of this.#entries.values()) entry.missed += 1;
    for (const finding of findings) if (this.#see(finding, at)) isChanged = true;
    for (const [code, { isShown, missed }] of this.#entries) {
      if (missed < (isShown ? ISSUES[code].goes : 1)) continue;
      this.#entries.delete(code);
      isChanged ||= isShown;
    }
    return isChanged;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** The most severe first. */
  get issues(): HealthIssue[] {
    const shown = [...this.#entries.values()].filter(({ isShown }) => isShown);
    return shown
      .map(({ finding, since }) => ({ ...finding, since: new Date(since).toISOString() }))
      .sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
  }

  get state(): Exclude<Health['state'], 'noData'> {
    let worst = ORDER.info;
    for (const { isShown, finding } of this.#entries.values()) {
      if (isShown) worst = Math.min(worst, ORDER[finding.severity]);
    }
    return worst === ORDER.error ? 'bad' : worst === ORDER.warning ? 'ok' : 'good';
  }

  /** Codes of the issues that are shown. */
  *codes(): Generator<IssueCode> {
    for (const [code, { isShown }] of this.#entries) if (isShown) yield code;
  }

  #see(finding: Finding, at: number): boolean {
    let entry = this.#entries.get(finding.code);
    if (entry === undefined) {
      entry = { finding, seen: 0, missed: 0, since: at, isShown: false };
      this.#entries.set(finding.code, entry);
    }
    const { isShown } = entry;
    const isOther = entry.finding.severity !== finding.severity;
    entry.finding = finding;
    entry.seen += 1;
    entry.missed = 0;
    if (entry.seen >= ISSUES[finding.code].appears) entry.isShown = true;
    return entry.isShown && (isOther || !isShown);
  }
}
