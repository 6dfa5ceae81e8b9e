import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The answers of each connection that are not finished, also those that wait for others before them. When a connection
 * ends, Node has only the answer that is being sent emit 'close': here the answers that wait for it do so, too.
 */
export class UnfinishedAnswers {
  readonly #answersOf = new WeakMap<Socket, Set<ServerResponse>>();

  /** To be called with each answer, when its request arrives. */
  add(socket: Socket, answer: ServerResponse): void {
    const answers = this.#answersOf.get(socket) ?? this.#follow(socket);
    answers.add(answer);
    answer.once('close', () => answers.delete(answer));
  }

  isAnswering(socket: Socket): boolean {
    return (this.#answersOf.get(socket)?.size ?? 0) > 0;
  }

  #follow(socket: Socket): Set<ServerResponse> {
    const answers = new Set<ServerResponse>();
    this.#answersOf.set(socket, answers);
    socket.once('close', () => {
      for (const answer of answers) if (answer.socket === null && !answer.writableFinished) answer.emit('close');
    });
    return answers;
  }
}
