import { z } from 'zod';
import { Count, Time, Unanswered } from './common';

/** What a node has to do. */
export const NodeLoad = z
  .object({
    cpu: z
      .number()
      .nonnegative()
      .describe('Cores that the process uses, averaged over some seconds: 1 is a whole core'),
    eventLoopDelayMs: z.number().nonnegative().describe('99th percentile of the last seconds'),
    memoryBytes: Count.describe('Buffers in use, mostly media'),
    memoryBudgetBytes: Count.describe('Limit of these buffers'),
    inKbps: Count,
    outKbps: Count,
  })
  .meta({ id: 'NodeLoad' });

/** A node of the fleet. Of one that did not answer, only what the registry says is known; the rest is null. */
export const Node = z
  .object({
    id: z.string(),
    machine: z.string().describe('Id that all processes of a machine share; `drain` takes it, too'),
    host: z.string().describe('Address at which other nodes reach it; empty for a single node'),
    reachable: z.boolean(),
    reason: z.string().nullable().describe('Why it is not reachable, or not ready for new clients'),
    ready: z.boolean().nullable(),
    draining: z.boolean(),
    protected: z.boolean().nullable().describe('Whether AWS ECS is told not to stop it; null outside of ECS'),
    version: z.string().nullable(),
    since: Time.nullable(),
    streams: Count.nullable().describe('Publishers on this node'),
    // Nodes of earlier releases do not tell.
    slots: Count.nullable()
      .default(null)
      .describe('How many publishers the node is sized for (`SLOTS`); limits nothing'),
    players: Count.nullable().describe('Without relays'),
    connections: Count.nullable(),
    load: NodeLoad.nullable(),
  })
  .meta({ id: 'Node' });

export const NodeList = z
  .object({
    nodes: z.array(Node),
    answering: z.string().describe('Id of the node that answers this request'),
    at: Time,
    unanswered: z.array(Unanswered),
  })
  .meta({ id: 'NodeList' });

export type NodeLoad = z.infer<typeof NodeLoad>;
export type Node = z.infer<typeof Node>;
export type NodeList = z.infer<typeof NodeList>;
