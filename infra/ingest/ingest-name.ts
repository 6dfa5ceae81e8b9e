import { Certificate, CertificateValidation } from 'aws-cdk-lib/aws-certificatemanager';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { AaaaRecord, ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import type { IHostedZone } from 'aws-cdk-lib/aws-route53';
import { LoadBalancerTarget } from 'aws-cdk-lib/aws-route53-targets';
import type { NetworkLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import type { DeploymentConfig } from '../config/deployment-config';

export interface IngestNameProps {
  readonly config: Pick<
    DeploymentConfig,
    'certificateArn' | 'domainName' | 'hostedZoneId' | 'hostedZoneName' | 'ipAddressType' | 'tls'
  >;
  readonly loadBalancer: NetworkLoadBalancer;
}

/**
 * The deployment's domain name: its certificate, given or made with the hosted zone, and the zone's record that points
 * to the load balancer. Without a zone, the owner of the name points it to the output IngestHost.
 */
export class IngestName extends Construct {
  /** undefined where the load balancer ends no TLS. */
  readonly certificate: ICertificate | undefined;

  constructor(scope: Construct, id: string, props: IngestNameProps) {
    super(scope, id);
    const { config } = props;
    const zone = this.zone(config);
    this.certificate = this.findOrMakeCertificate(config, zone);
    if (zone === undefined || config.domainName === undefined) return;
    const target = RecordTarget.fromAlias(new LoadBalancerTarget(props.loadBalancer));
    new ARecord(this, 'A', { zone, recordName: config.domainName, target });
    if (config.ipAddressType === 'dualstack')
      new AaaaRecord(this, 'Aaaa', { zone, recordName: config.domainName, target });
  }

  private zone({ hostedZoneId, hostedZoneName }: IngestNameProps['config']): IHostedZone | undefined {
    if (hostedZoneId === undefined || hostedZoneName === undefined) return undefined;
    return HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId, zoneName: hostedZoneName });
  }

  private findOrMakeCertificate(
    { certificateArn, domainName, tls }: IngestNameProps['config'],
    zone: IHostedZone | undefined,
  ): ICertificate | undefined {
    if (tls !== 'nlb') return undefined;
    if (certificateArn !== undefined) return Certificate.fromCertificateArn(this, 'Certificate', certificateArn);
    if (domainName === undefined) return undefined;
    return new Certificate(this, 'Certificate', { domainName, validation: CertificateValidation.fromDns(zone) });
  }
}
