import { ingressBlock, networkOf, overlaps } from './address-blocks';
import type { Settings } from './environment-defaults';

/** Fargate's sizes: CPU units, and the memory (MiB) that they may have. */
const fargateMemory: ReadonlyMap<number, { min: number; max: number; step: number }> = new Map([
  [512, { min: 1024, max: 4096, step: 1024 }],
  [1024, { min: 2048, max: 8192, step: 1024 }],
  [2048, { min: 4096, max: 16384, step: 1024 }],
  [4096, { min: 8192, max: 30720, step: 1024 }],
  [8192, { min: 16384, max: 61440, step: 4096 }],
  [16384, { min: 32768, max: 122880, step: 8192 }],
]);

/** Regions where new accounts see two zones. */
const twoZoneRegions: readonly string[] = ['us-west-1'];

/** Faults in the combination of options that are each valid alone; one sentence per fault. */
export function crossOptionFaults(settings: Settings): string[] {
  return [
    ...networkFaults(settings),
    ...addressFaults(settings),
    ...zoneFaults(settings),
    ...transcoderFaults(settings),
    ...tlsFaults(settings),
    ...taskFaults(settings),
    ...cacheFaults(settings),
    ...placeFaults(settings),
    ...ruleCountFaults(settings),
    ...callbackFaults(settings),
    ...canaryFaults(settings),
    ...outputFaults(settings),
  ];
}

function networkFaults(s: Settings): string[] {
  const faults: string[] = [];
  const subnetLists = { ingressSubnetIds: s.ingressSubnetIds, taskSubnetIds: s.taskSubnetIds };
  if (s.vpcId !== undefined) {
    for (const [name, ids] of Object.entries({ ...subnetLists, availabilityZones: s.availabilityZones })) {
      if (ids?.length !== s.azCount)
        faults.push(`vpcId needs ${name} with ${s.azCount} entries (azCount), one per zone`);
    }
    if (s.dataSubnetIds === undefined || s.dataSubnetIds.length < 2) {
      faults.push('vpcId needs dataSubnetIds with at least 2 entries, in different zones (ElastiCache asks for two)');
    }
  } else {
    for (const [name, ids] of Object.entries({ ...subnetLists, dataSubnetIds: s.dataSubnetIds })) {
      if (ids !== undefined) faults.push(`${name} is only for an existing VPC: give vpcId too`);
    }
  }
  if (s.account !== undefined && s.availabilityZones === undefined) {
    faults.push('account needs availabilityZones: otherwise synth would have to ask AWS for them');
  }
  if (s.egress === 'isolated' && s.callbackUrl === undefined) {
    faults.push('egress=isolated needs callbackUrl inside the VPC: a Lambda function URL has no private address');
  }
  return faults;
}

/** The largest VPC that AWS makes, and the smallest that has room for all subnets (bits of the network). */
const vpcBits = { largest: 16, smallest: 19 } as const;

function addressFaults({ vpcCidr, vpcId }: Settings): string[] {
  const network = networkOf(vpcCidr);
  if (network !== vpcCidr) return [`vpcCidr=${vpcCidr} is an address inside a network: give the network, ${network}`];
  const bits = Number(vpcCidr.split('/')[1]);
  if (vpcId !== undefined || (bits >= vpcBits.largest && bits <= vpcBits.smallest)) return [];
  return [`vpcCidr=${vpcCidr} must be /${vpcBits.largest} to /${vpcBits.smallest}, to have room for all subnets`];
}

/**
 * The zones of a new VPC are the account's first three, unless they are named. Each rule describes a fault with which a
 * deploy would fail.
 */
function zoneFaults(s: Settings): string[] {
  const faults: string[] = [];
  const { availabilityZones: zones, vpcId } = s;
  if (zones === undefined && vpcId === undefined && twoZoneRegions.includes(s.region)) {
    faults.push(`region=${s.region} shows most accounts two zones, not three: give availabilityZones`);
  }
  if (zones === undefined) return faults;
  const elsewhere = zones.filter((zone) => !zone.startsWith(s.region));
  if (elsewhere.length > 0) faults.push(`availabilityZones has ${elsewhere.join(', ')}, not in region=${s.region}`);
  if (new Set(zones).size !== zones.length) faults.push('availabilityZones names a zone twice');
  if (vpcId !== undefined) return faults;
  const least = Math.max(2, s.azCount);
  if (zones.length > 3) faults.push('availabilityZones takes at most 3 zones');
  if (zones.length < least) faults.push(`availabilityZones needs at least ${least} zones: the cache always spans two`);
  return faults;
}

/** Clients without a PROXY header must not share addresses with the load balancer, which sends PROXY headers. */
function transcoderFaults(s: Settings): string[] {
  const faults: string[] = [];
  if (s.vpcId !== undefined && s.transcoderSecurityGroupIds !== undefined && s.transcoderCidrs === undefined) {
    faults.push('transcoderSecurityGroupIds with vpcId needs transcoderCidrs: ids do not tell addresses');
  }
  const balancer = s.vpcId === undefined ? ingressBlock(s.vpcCidr) : undefined;
  for (const cidr of s.transcoderCidrs ?? []) {
    if (cidr.endsWith('/0') || (balancer !== undefined && overlaps(cidr, balancer))) {
      faults.push(`transcoderCidrs has ${cidr}, from where the load balancer comes too`);
    }
  }
  return faults;
}

function tlsFaults(s: Settings): string[] {
  const faults: string[] = [];
  const zone = [s.hostedZoneId, s.hostedZoneName].filter((part) => part !== undefined).length;
  if (zone === 1) faults.push('hostedZoneId and hostedZoneName go together');
  if (zone === 2 && s.domainName === undefined) faults.push('a hosted zone needs domainName, the name to make in it');
  if (s.hostedZoneName !== undefined && s.domainName !== undefined && !isWithin(s.domainName, s.hostedZoneName)) {
    faults.push(`domainName ${s.domainName} is not within hostedZoneName ${s.hostedZoneName}`);
  }
  if (s.tls !== 'none' && s.domainName === undefined) faults.push(`tls=${s.tls} needs domainName`);
  if (s.tls === 'nlb' && s.certificateArn === undefined && zone < 2) {
    faults.push('tls=nlb needs certificateArn, or hostedZoneId and hostedZoneName to make a certificate with');
  }
  if (s.tls !== 'nlb' && s.certificateArn !== undefined) faults.push('certificateArn is only for tls=nlb');
  const certPair = s.tlsCertSecretArn !== undefined && s.tlsKeySecretArn !== undefined;
  if (s.tls === 'service' && !certPair) faults.push('tls=service needs tlsCertSecretArn and tlsKeySecretArn');
  if (s.tls !== 'service' && (s.tlsCertSecretArn ?? s.tlsKeySecretArn) !== undefined) {
    faults.push('tlsCertSecretArn and tlsKeySecretArn are only for tls=service');
  }
  if (s.tls === 'none' && !s.plainRtmp) faults.push('plainRtmp=false with tls=none leaves no way in');
  if (s.plainRtmp && s.rtmpsPorts.includes(1935)) faults.push('rtmpsPorts must leave 1935 to plain RTMP');
  if (s.rtmpsPorts.length > 4)
    faults.push('rtmpsPorts takes at most 4 ports: an ECS service has at most 5 target groups');
  if (new Set(s.rtmpsPorts).size !== s.rtmpsPorts.length) faults.push('rtmpsPorts names a port twice');
  return faults;
}

function isWithin(name: string, zone: string): boolean {
  return name.toLowerCase() === zone.toLowerCase() || name.toLowerCase().endsWith(`.${zone.toLowerCase()}`);
}

function taskFaults(s: Settings): string[] {
  const faults: string[] = [];
  if (!isFargateSize(s.cpu, s.memoryMiB)) faults.push(`cpu=${s.cpu} with memoryMiB=${s.memoryMiB} is no Fargate size`);
  const cacheMiB = s.slots * s.gopCacheMb;
  const ingestMiB = s.memoryMiB - (s.outputs ? s.outputsMemoryMiB : 0);
  if (cacheMiB > ingestMiB * 0.6) {
    const share = s.outputs ? 'memoryMiB less outputsMemoryMiB' : 'memoryMiB';
    faults.push(`slots x gopCacheMb may take ${cacheMiB} MiB, over 60 % of ${share}=${ingestMiB}`);
  }
  if (s.minTasks > s.maxTasks) faults.push(`minTasks=${s.minTasks} is above maxTasks=${s.maxTasks}`);
  if (s.minTasks === 0 && s.scaleSchedule === undefined) {
    faults.push('minTasks=0 needs a scaleSchedule: with no task there is no load to scale on');
  }
  if (s.minTasks > 0 && s.minTasks < s.azCount) {
    faults.push(`minTasks=${s.minTasks} leaves a zone empty (azCount=${s.azCount}): each zone serves only itself`);
  }
  for (const { cron, minTasks } of s.scaleSchedule ?? []) {
    if (minTasks > 0 && minTasks < s.azCount) {
      faults.push(`scaleSchedule leaves a zone empty with ${minTasks} tasks from ${cron} on (azCount=${s.azCount})`);
    }
  }
  if (s.protectionMinPublishers >= s.slots) {
    faults.push('protectionMinPublishers must be below slots, or no task is ever protected');
  }
  if (s.deployment === 'blueGreen' && s.spot) faults.push('deployment=blueGreen does not go with spot=true');
  return faults;
}

function isFargateSize(cpu: number, memoryMiB: number): boolean {
  if (cpu === 256) return [512, 1024, 2048].includes(memoryMiB);
  const range = fargateMemory.get(cpu);
  if (range === undefined) return false;
  return memoryMiB >= range.min && memoryMiB <= range.max && (memoryMiB - range.min) % range.step === 0;
}

function cacheFaults(s: Settings): string[] {
  const faults: string[] = [];
  if (s.cache === 'existing' && s.cacheHost === undefined) faults.push('cache=existing needs cacheHost');
  if (s.cache === 'existing' && s.cachePasswordSecretArn === undefined) {
    faults.push('cache=existing needs cachePasswordSecretArn');
  }
  if (s.cache !== 'existing') {
    const names = ['cacheHost', 'cacheUsername', 'cachePasswordSecretArn', 'cacheSecurityGroupId'] as const;
    for (const name of names) if (s[name] !== undefined) faults.push(`${name} is only for cache=existing`);
    if (!s.cacheTls) faults.push('cacheTls=false is only for cache=existing: the caches made here always speak TLS');
    if (s.cachePort !== 6379) faults.push('cachePort is only for cache=existing');
  }
  return faults;
}

/** Resources that are named by ARN must be in the deployment's region. */
function placeFaults(s: Settings): string[] {
  const { certificateArn, tlsCertSecretArn, tlsKeySecretArn, cachePasswordSecretArn, operatorTokenSecretArn, region } =
    s;
  const secrets = { tlsCertSecretArn, tlsKeySecretArn, cachePasswordSecretArn, operatorTokenSecretArn };
  return Object.entries({ certificateArn, ...secrets }).flatMap(([name, arn]) => {
    const place = arn?.split(':')[3] ?? region;
    return place === region ? [] : [`${name} is in ${place}, but the deployment in region=${region}`];
  });
}

/** AWS's quota: rules of one family that a security group has by default. */
const mostRules = 60;

function ruleCountFaults(s: Settings): string[] {
  const ports = (s.plainRtmp ? 1 : 0) + (s.tls === 'none' ? 0 : s.rtmpsPorts.length);
  const v4 = s.ingestCidrs.filter((cidr) => !cidr.includes(':')).length;
  const rules = ports * Math.max(v4, s.ingestCidrs.length - v4);
  if (rules <= mostRules) return [];
  return [`ingestCidrs on ${ports} port(s) make ${rules} rules: a security group takes ${mostRules}. Join networks`];
}

function callbackFaults(s: Settings): string[] {
  const faults: string[] = [];
  if (
    s.callbackUrl !== undefined &&
    s.callbackAuth === 'sigv4' &&
    !new URL(s.callbackUrl).hostname.endsWith('.on.aws')
  ) {
    faults.push('callbackAuth=sigv4 is for Lambda function URLs (…on.aws); any other callbackUrl takes none');
  }
  if (s.callbackUrl === undefined && s.callbackAuth === 'none' && s.callbackConcurrency === 0) {
    faults.push('callbackAuth=none needs callbackConcurrency: it caps what strangers can cost');
  }
  return faults;
}

/** A Lambda function connects from any address, so the canary needs the ports open to everybody. */
function canaryFaults(s: Settings): string[] {
  if (!s.canary) return [];
  const faults: string[] = [];
  if (!s.ingestCidrs.includes('0.0.0.0/0'))
    faults.push('ingestCidrs without 0.0.0.0/0 shut the canary out: give canary=false');
  if (s.playAllowedFrom !== undefined && s.playAllowedFrom !== '*') {
    faults.push('playAllowedFrom keeps the canary from playing: give canary=false');
  }
  return faults;
}

/** CloudFront's quota: public keys in a key group. */
const mostSigningKeys = 5;

/** Least memory that is left to a node beside the outputs (MiB). */
const leastIngestMiB = 384;

function outputFaults(s: Settings): string[] {
  const asked = {
    recordBucket: s.recordBucket !== undefined,
    hls: s.hls,
    forwardAllow: s.forwardAllow !== undefined,
  };
  if (!s.outputs) {
    const unused = Object.entries(asked).flatMap(([name, isAsked]) => (isAsked ? [name] : []));
    return unused.map((name) => `${name} needs outputs=true`);
  }
  const faults: string[] = [];
  if (s.memoryMiB - s.outputsMemoryMiB < leastIngestMiB) {
    faults.push(
      `outputsMemoryMiB=${s.outputsMemoryMiB} leaves less than ${leastIngestMiB} MiB of memoryMiB=${s.memoryMiB} to ingest`,
    );
  }
  if (s.recordBucket === undefined && s.recordDays > 0) faults.push('recordDays needs recordBucket');
  if (s.recordBucket !== undefined && s.recordBucket !== 'create' && s.recordDays > 0) {
    faults.push('recordDays is only for recordBucket=create: a bucket of yours has its own lifecycle rules');
  }
  if (!s.hls && s.hlsKeyIds !== undefined) faults.push('hlsKeyIds needs hls=true');
  if (s.hlsKeyIds !== undefined && s.hlsKeyIds.length > mostSigningKeys) {
    faults.push(`hlsKeyIds takes at most ${mostSigningKeys} keys: the quota of a key group of CloudFront`);
  }
  return faults;
}
