// Prints, as JSON, the effect of changing each option. A separate program: the CDK runs several times as fast outside
// the test runner.
import { optionValues } from './option-values';
import type { OptionValues } from './option-values';
import { synthesize } from './synthesize';
import type { Options } from './synthesize';
import { changesBetween, effectOf, effects, outputsTakenAway, staleReaders } from './template-changes';
import type { Effect } from './template-changes';

export interface OptionReport {
  /** The worst over all pairs of values. */
  readonly effect: Effect;
  /** Stacks that would be left with the value of a resource that is gone. */
  readonly stale: readonly string[];
  /** Whether the change removes an output that a later stack read. */
  readonly takesOutputs: boolean;
  /** Whether a template exports or imports anything, which would keep other changes from being made. */
  readonly exports: boolean;
}

function report({ base = {}, values }: OptionValues): OptionReport {
  const all = values.map((value): Options => ({ ...base, ...value }));
  const pairs = all.flatMap((before) => all.filter((after) => after !== before).map((after) => ({ before, after })));
  const found = pairs.map(({ before, after }) => ({ before, after, effect: effectOf(changesBetween(before, after)) }));
  return {
    effect: effects[Math.max(...found.map(({ effect }) => effects.indexOf(effect)))] ?? 'nothing',
    stale: found.filter(({ effect }) => effect !== 'fixed').flatMap(({ before, after }) => staleReaders(before, after)),
    takesOutputs: found.some(
      ({ before, after, effect }) => effect !== 'fixed' && outputsTakenAway(before, after).length > 0,
    ),
    exports: all.some((options) =>
      [...synthesize(options).templates.values()].some((template) =>
        /"Fn::ImportValue"|"Export"/.test(JSON.stringify(template.toJSON())),
      ),
    ),
  };
}

const reports = Object.entries(optionValues).map(([name, values]) => [name, report(values)]);
process.stdout.write(JSON.stringify(Object.fromEntries(reports)));
