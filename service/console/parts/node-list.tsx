import { useState } from 'preact/hooks';
import type { Node, NodeLoad } from '../../http/api/schemas/node';
import type { OrderResult } from '../../http/api/schemas/order';
import { formatAgo, formatBitrate, formatFill, formatNumber, UNKNOWN } from '../data/format';
import { useFleet } from './console-context';
import { Meter } from './meter';
import { OrderDialog } from './order-dialog';

const MEGABYTE = 1024 * 1024;

/** The nodes of the fleet and what they have to do: beside the list of streams in short, else with all that is known. */
export function NodeList({ inShort = false }: { readonly inShort?: boolean }) {
  const { model } = useFleet();
  const [draining, setDraining] = useState<Node>();
  if (model.nodes === undefined) return <p class="empty">Loading …</p>;
  const { nodes, answering } = model.nodes;
  return (
    <>
      <ul class="cards">
        {nodes.map((node) => (
          <li key={node.id} class="card node">
            {inShort ? (
              <ShortNodeCard node={node} />
            ) : (
              <NodeCard node={node} isAnswering={node.id === answering} onDrain={() => setDraining(node)} />
            )}
          </li>
        ))}
      </ul>
      {draining === undefined ? null : <DrainDialog node={draining} onClose={() => setDraining(undefined)} />}
    </>
  );
}

function CardHead({ node }: { readonly node: Node }) {
  return (
    <div class="card-head">
      <h3 class="name" title={node.id}>
        {node.id}
      </h3>
      <NodeMarks node={node} />
    </div>
  );
}

function ShortNodeCard({ node }: { readonly node: Node }) {
  const { load, streams, slots, players } = node;
  const used = streams === null ? '' : `${formatFill(streams, slots)}${slots === null ? ' streams' : ''}`;
  const clients = players === null ? used : `${used} · ${formatNumber(players)} players`;
  return (
    <>
      <CardHead node={node} />
      <p class="muted small">{clients}</p>
      {load === null ? null : <Load load={load} />}
    </>
  );
}

interface NodeCardProps {
  readonly node: Node;
  /** The browser is connected to this node. */
  readonly isAnswering: boolean;
  readonly onDrain: () => void;
}

function NodeCard({ node, isAnswering, onDrain }: NodeCardProps) {
  const watch = useFleet();
  const { load } = node;
  const age = node.since === null ? '' : `up ${formatAgo((watch.now() - Date.parse(node.since)) / 1000)}`;
  const version = node.version === null ? '' : `version ${node.version}`;
  const facts = [node.host, version, age.replace(/ ago$/, ''), isAnswering ? 'answers this page' : ''];
  return (
    <>
      <CardHead node={node} />
      <p class="muted small">{facts.filter(Boolean).join(' · ')}</p>
      {node.reason === null ? null : <p class="small warning">{node.reason}</p>}
      <dl class="figures">
        <Figure name="Streams" value={node.streams === null ? null : formatFill(node.streams, node.slots)} />
        <Figure name="Players" value={node.players} />
        <Figure name="In" value={load === null ? null : formatBitrate(load.inKbps)} />
        <Figure name="Out" value={load === null ? null : formatBitrate(load.outKbps)} />
        <Figure name="Connections" value={node.connections} />
        <Figure name="Delay" value={load === null ? null : `${formatNumber(load.eventLoopDelayMs)} ms`} />
      </dl>
      {load === null ? null : <Load load={load} />}
      <div class="card-foot">
        <button type="button" class="quiet" disabled={node.draining} onClick={onDrain}>
          {node.draining ? 'Draining' : 'Drain …'}
          <span class="for-readers"> {node.id}</span>
        </button>
      </div>
    </>
  );
}

function NodeMarks({ node }: { readonly node: Node }) {
  return (
    <>
      {node.reachable ? null : <span class="mark mark-bad">no answer</span>}
      {node.draining ? <span class="mark mark-warning">draining</span> : null}
      {node.ready === false && !node.draining ? <span class="mark mark-warning">not ready</span> : null}
      {node.protected === true ? <span class="mark">protected</span> : null}
      {node.reachable && node.ready === true && !node.draining ? <span class="mark mark-good">ready</span> : null}
    </>
  );
}

function Load({ load }: { readonly load: NodeLoad }) {
  const memory = load.memoryBudgetBytes === 0 ? 0 : load.memoryBytes / load.memoryBudgetBytes;
  const megabytes = `${formatNumber(load.memoryBytes / MEGABYTE)} of ${formatNumber(load.memoryBudgetBytes / MEGABYTE)} MB`;
  return (
    <>
      <Meter name="CPU" part={load.cpu} text={`${Math.round(load.cpu * 100)} % of a core`} />
      <Meter name="Memory" part={memory} text={megabytes} />
    </>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: number | string | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value === null ? UNKNOWN : typeof value === 'number' ? formatNumber(value) : value}</dd>
    </div>
  );
}

function DrainDialog({ node, onClose }: { readonly node: Node; readonly onClose: () => void }) {
  const { api } = useFleet();
  const [target, setTarget] = useState(node.id);
  return (
    <OrderDialog
      question={`Drain ${node.id}?`}
      consequence="The node takes no new clients and ends when its last stream has ended, or when its time to drain is over. This cannot be taken back."
      verb="Drain node"
      give={() => api.post<OrderResult>(`nodes/${encodeURIComponent(target)}/drain`)}
      onClose={onClose}
    >
      {node.machine === node.id ? null : (
        <label class="choice">
          <input
            type="checkbox"
            checked={target === node.machine}
            onChange={({ currentTarget }) => setTarget(currentTarget.checked ? node.machine : node.id)}
          />
          All processes of the machine {node.machine}
        </label>
      )}
    </OrderDialog>
  );
}
