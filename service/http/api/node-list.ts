import type { NodeAddress } from '../../leases/life-store';
import type { FleetView } from './fleet-view';
import type { Node, NodeList } from './schemas/node';

/** All nodes of the fleet, also those of which only the registry knows. */
export async function listNodes(fleet: FleetView): Promise<NodeList> {
  const [{ answers, unanswered }, directory] = await Promise.all([fleet.ask({ ask: 'node' }), fleet.directory()]);
  const nodes: Node[] = answers.map(({ answer }) => answer);
  const known = new Set(nodes.map(({ id }) => id));
  const reasons = new Map(unanswered.map(({ node, reason }) => [node, reason]));
  for (const address of directory.nodes) {
    if (!known.has(address.id)) nodes.push(unreachable(address, reasons.get(address.id) ?? 'no answer'));
  }
  nodes.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { nodes, answering: directory.self, at: new Date().toISOString(), unanswered };
}

function unreachable({ id, host, draining }: NodeAddress, reason: string): Node {
  return {
    id,
    machine: id,
    host,
    reachable: false,
    reason,
    ready: null,
    draining,
    protected: null,
    version: null,
    since: null,
    streams: null,
    slots: null,
    players: null,
    connections: null,
    load: null,
  };
}
