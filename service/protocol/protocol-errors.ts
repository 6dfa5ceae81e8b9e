/**
 * Every way in which bytes from a peer can be wrong. The strings are also the values of a metric label, so the set is
 * closed and small.
 */
export type ProtocolErrorCode =
  /** The data ended inside a value. */
  | 'truncated'
  | 'amf_bad_marker'
  | 'amf_bad_reference'
  | 'amf_too_deep'
  | 'amf_too_many_entries'
  /** Well-formed AMF that this server does not read, such as externalizable objects. */
  | 'amf_unsupported'
  | 'bad_chunk_header'
  | 'bad_chunk_size'
  /** More messages than the connection's budget allows. */
  | 'over_budget'
  | 'too_many_chunk_streams'
  | 'message_too_large'
  /** Unfinished messages of all chunk streams together hold too much memory. */
  | 'too_much_unfinished'
  | 'bad_aggregate'
  /** The first byte is not 3, the version of plain RTMP. */
  | 'bad_version'
  | 'bad_proxy_header'
  | 'proxy_header_too_large'
  | 'proxy_checksum_mismatch';

/**
 * The peer sent bytes that violate the protocol or exceed a limit. The message is for logs and
 * never holds bytes of the input beyond single numbers.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';

  constructor(
    readonly code: ProtocolErrorCode,
    message: string,
  ) {
    super(message);
  }
}
