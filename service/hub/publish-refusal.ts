/** Why a publisher is not let in, as its client is told. */
export interface PublishRefusal {
  readonly accepted: false;
  /** A retry with the same key is pointless. */
  readonly final: boolean;
  readonly reason: string;
}
