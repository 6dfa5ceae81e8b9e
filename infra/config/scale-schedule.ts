import type { OptionReader } from './option-readers';

/** From each time that `cron` names, the service runs between `minTasks` and `maxTasks` tasks. */
export interface ScaleScheduleEntry {
  /** `cron(…)` as Application Auto Scaling writes it. */
  readonly cron: string;
  readonly minTasks: number;
  readonly maxTasks: number;
}

const entryForm = /^(cron\((?:\S+ ){5}\S+\))=(\d{1,4})\.\.(\d{1,4})$/;

/** One entry of the `scaleSchedule` option: `cron(0 7 ? * MON-FRI *)=10..50`. */
export const scaleScheduleEntry: OptionReader<ScaleScheduleEntry> = {
  expects: 'of the form cron(0 7 ? * MON-FRI *)=10..50 (six cron fields; least..most tasks)',
  read: (raw) => {
    const parts = typeof raw === 'string' ? entryForm.exec(raw.trim()) : null;
    const [, cron, least, most] = parts ?? [];
    if (cron === undefined || least === undefined || most === undefined) return undefined;
    const minTasks = Number(least);
    const maxTasks = Number(most);
    return minTasks <= maxTasks ? { cron, minTasks, maxTasks } : undefined;
  },
};
