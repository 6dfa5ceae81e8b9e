import { useFleet } from '../parts/console-context';
import { RefusalList } from '../parts/refusal-list';

export function RefusalsPage() {
  const { model } = useFleet();
  return (
    <div class="page page-narrow">
      <h1>Refused lately</h1>
      <RefusalList refusals={model.refusals} />
    </div>
  );
}
