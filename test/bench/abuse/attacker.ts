import { getPriority, setPriority } from 'node:os';
import type { AttackerApi } from '../load/generator-api';
import { monotonicMs } from '../load/monotonic-clock';
import type { AttackCost, AttackTarget } from './attack';
import { attacks } from './attacks/index';

/** Lower than that of the honest streams, on the same core, which must not wait for the attacker; 19 is the lowest. */
const NICER = 19;
const NICER_THAN_A_HURRY = 8;

/** Runs attacks by name. */
export class Attacker implements AttackerApi {
  async attack(params: { name: string; target: AttackTarget; seconds: number }): Promise<AttackCost> {
    const attack = attacks.find(({ name }) => name === params.name);
    if (attack === undefined) throw new Error(`there is no attack ${params.name}`);
    // On a busy machine the benchmark may have been started with a high priority (`nice -n -20`).
    const own = getPriority();
    setPriority(own < 0 ? own + NICER_THAN_A_HURRY : NICER);
    const spent = { connections: 0, bytes: 0, cpuShare: 0 };
    const [before, untilMs] = [process.cpuUsage(), monotonicMs() + params.seconds * 1000];
    await attack.run({ ...params.target, spent, goesOn: () => monotonicMs() < untilMs });
    const { user, system } = process.cpuUsage(before);
    spent.cpuShare = (user + system) / 1e6 / params.seconds;
    return spent;
  }
}
