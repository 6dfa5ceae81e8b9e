import type { IncomingMessage } from 'node:http';
import type { Answers, Machine } from './machine';
import { digestOf, NODE_SCHEME } from './node-calls';
import { ApiProblem } from './problems';
import { Question } from './questions';
import { parseJson, readBody } from './request-body';

/**
 * Answers a question of another node, for the nodes of this machine.
 *
 * @throws ApiProblem when the token does not prove that it comes from a node of this fleet
 */
export async function answerNode(machine: Machine, request: IncomingMessage): Promise<Answers> {
  if (request.method !== 'POST') throw new ApiProblem('methodNotAllowed', 'Use POST here.', { allow: 'POST' });
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  const refused = new ApiProblem('tokenWrong', 'Only nodes of this fleet may ask here.');
  if (scheme !== NODE_SCHEME || token === undefined) throw refused;
  const body = await readBody(request);
  if (!(await machine.verify(token, digestOf(body)))) throw refused;
  const question = Question.safeParse(parseJson(body));
  if (!question.success) throw new ApiProblem('badRequest', 'This node does not know the question: another version?');
  return machine.ask(question.data);
}
