import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PlaceQueue } from '../../../service/hub/place-queue';

test('items keep their places and their order, whichever is taken out', () => {
  const steps = fc.array(fc.option(fc.nat({ max: 20 }), { nil: 'push' as const, freq: 2 }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (script) => {
      const queue = new PlaceQueue<{ place: number }>();
      const model: { place: number }[] = [];
      for (const step of script) {
        if (step === 'push') {
          const item = { place: 0 };
          item.place = queue.push(item);
          model.push(item);
        } else if (model.length > 0) {
          const [item] = model.splice(step % model.length, 1);
          queue.takeOut(item!.place);
          expect(queue.at(item!.place)).toBeUndefined();
        }
        expect([queue.first, queue.last]).toEqual([model[0], model[model.length - 1]]);
        const found = [];
        for (let place = queue.from; place < queue.to; place += 1) found.push(queue.at(place));
        expect(found.filter((item) => item !== undefined)).toEqual(model);
        expect(queue.length).toBe(model.length === 0 ? 0 : model.at(-1)!.place - model[0]!.place + 1);
      }
      queue.clear();
      expect([queue.length, queue.first]).toEqual([0, undefined]);
    }),
  );
});
