import type { Machine } from '../http/api/machine';
import type { Answer, Topic } from './messages';
import type { WorkerPool } from './worker-pool';

type Pool = Pick<WorkerPool, 'ask' | 'askEach'>;

/** The workers of this machine, as the API asks them. */
export function workersMachine(pool: Pool): Machine {
  /** Any worker can answer for the machine. */
  const first = async <T extends Topic>(topic: T, asked: Promise<Answer<T>[]>): Promise<Answer<T>> => {
    const [answer] = await asked;
    if (answer === undefined) throw new Error(`no worker answers: ${topic}`);
    return answer;
  };
  return {
    async ask(question) {
      const asked = await pool.askEach('ask', question);
      return {
        answers: asked.flatMap(({ answer }) => answer?.answers ?? []),
        unanswered: asked.flatMap(({ worker, answer }) =>
          answer === undefined ? [{ node: worker, reason: 'the worker process does not answer' }] : answer.unanswered,
        ),
      };
    },
    directory: () => first('directory', pool.ask('directory')),
    standing: (channel) => first('standing', pool.ask('standing', channel)),
    async sign(digest, node) {
      const [token] = await pool.ask('sign', digest, node);
      return token;
    },
    async verify(token, digest) {
      return (await pool.ask('verify', token, digest)).includes(true);
    },
  };
}
