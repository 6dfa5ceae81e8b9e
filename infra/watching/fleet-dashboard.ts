import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { NetworkLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { serviceMetric } from '../shared/service-metrics';
import type { ServiceMetricName } from '../shared/service-metrics';

export interface FleetDashboardProps {
  readonly service: FargateService;
  readonly loadBalancer: NetworkLoadBalancer;
  readonly functions: Readonly<Record<string, IFunction>>;
  /** Value of the Service dimension of the tasks' metrics. */
  readonly serviceName: string;
  /** Streams are forwarded, recorded and packaged. */
  readonly outputs: boolean;
}

/** One page: load, quality, errors, and the main items of the bill. */
export class FleetDashboard extends Construct {
  constructor(scope: Construct, id: string, props: FleetDashboardProps) {
    super(scope, id);
    const { service, loadBalancer, functions, serviceName } = props;
    const own = (name: ServiceMetricName, statistic: string) => serviceMetric(serviceName, name, statistic);
    const dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3) });
    dashboard.addWidgets(
      graph('Live publishers', own('ActivePublishers', Stats.SUM)),
      graph('Slots in use, %', own('SlotUtilization', Stats.AVERAGE), own('SlotUtilization', Stats.MAXIMUM)),
      graph('Tasks', own('SlotUtilization', Stats.SAMPLE_COUNT), own('Draining', Stats.SUM)),
      graph('Ingest, bytes a minute', own('IngestBytes', Stats.SUM)),
    );
    dashboard.addWidgets(
      graph('CPU and memory, %', service.metricCpuUtilization(), service.metricMemoryUtilization()),
      graph('Event loop, ms (p99)', own('EventLoopLagP99', Stats.MAXIMUM)),
      graph('Callback, ms', own('CallbackLatency', Stats.percentile(50)), own('CallbackLatency', Stats.percentile(99))),
      graph('Stops waiting', own('StopBacklog', Stats.MAXIMUM)),
    );
    dashboard.addWidgets(
      graph(
        'Refused',
        own('CallbackDenied', Stats.SUM),
        own('CallbackDown', Stats.MAXIMUM),
        own('HandshakeFailures', Stats.SUM),
        own('ProxyHeaderErrors', Stats.SUM),
      ),
      graph(
        'Fleet',
        own('RedisDisconnectedSeconds', Stats.MAXIMUM),
        own('ProtectionFailures', Stats.SUM),
        own('LeaseConflicts', Stats.SUM),
      ),
      graph('Function errors', ...Object.values(functions).map((lambda) => lambda.metricErrors())),
      graph('Function duration, ms', ...Object.values(functions).map((lambda) => lambda.metricDuration())),
    );
    if (props.outputs) {
      dashboard.addWidgets(
        graph('Outputs down', own('OutputsDown', Stats.MAXIMUM)),
        graph('Gaps in outputs', own('OutputGaps', Stats.SUM)),
        graph('Forwards failing', own('ForwardsFailing', Stats.SUM)),
        graph('Recordings', own('RecordingsFailed', Stats.SUM), own('RecordingsSpooling', Stats.SUM)),
      );
    }
    const { metrics } = loadBalancer;
    dashboard.addWidgets(
      graph('Flows', metrics.activeFlowCount(), metrics.newFlowCount()),
      graph('Resets', metrics.tcpElbResetCount(), metrics.tcpTargetResetCount(), metrics.tcpClientResetCount()),
      graph('Load balancer, bytes', metrics.processedBytes()),
      graph('Load balancer capacity units (most of the bill)', metrics.consumedLCUs()),
    );
  }
}

function graph(title: string, ...left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 6, height: 6 });
}
