import { setPriority } from 'node:os';
import type { AttackerApi } from '../load/generator-api';
import { monotonicMs } from '../load/monotonic-clock';
import type { AttackCost, AttackTarget } from './attack';
import { attacks } from './attacks';

/** The lowest priority of a process: the honest stream, on the same core, must not wait for the attacker. */
const LOWEST_PRIORITY = 19;

/** Runs attacks by name. */
export class Attacker implements AttackerApi {
  async attack(params: { name: string; target: AttackTarget; seconds: number }): Promise<AttackCost> {
    const attack = attacks.find(({ name }) => name === params.name);
    if (attack === undefined) throw new Error(`there is no attack ${params.name}`);
    setPriority(LOWEST_PRIORITY);
    const spent = { connections: 0, bytes: 0 };
    const untilMs = monotonicMs() + params.seconds * 1000;
    await attack.run({ ...params.target, spent, goesOn: () => monotonicMs() < untilMs });
    return spent;
  }
}
