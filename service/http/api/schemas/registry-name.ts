/** In place of a node's id in `unanswered`: the fleet's registry does not answer, so that other nodes are not known. */
export const REGISTRY = 'registry';
