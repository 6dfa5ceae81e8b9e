import { NodeList } from '../parts/node-list';

export function NodesPage() {
  return (
    <div class="page">
      <h1>Nodes</h1>
      <NodeList />
    </div>
  );
}
