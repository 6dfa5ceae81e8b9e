/**
 * The counters of the media path, as plain numbers: one addition per event. They are read when the metrics page is
 * requested. The time of the last read is here as well, so that no message needs a look at the clock.
 */
export class TrafficCounters {
  /** Bytes read from clients and, by relays, from other nodes; handshake and chunk headers included. */
  bytesIn = 0;
  /** The part of `bytesIn` that relays read. */
  relayedBytesIn = 0;
  /** Bytes of streams handed to players' sockets, headers and metadata included; replies and pings are not counted. */
  bytesOut = 0;
  /** Audio, video and data messages that streams took, from clients and relays. */
  messagesIn = 0;
  /** Audio, video and data messages sent; a message to 200 players counts 200 times. */
  messagesOut = 0;
  /** Writes of media to players' sockets; the node's CPU cost follows writes and reads. */
  writes = 0;
  /** Reads from the sockets of clients and relays; over TLS, pieces of decrypted bytes. */
  reads = 0;
  /** When bytes of a client last came in (ms of a clock that does not go back): the arrival time of what is parsed now. */
  heardAt = 0;
  /** Audio and video messages a player did not get because it could not keep up. */
  droppedFrames = 0;
  /** Commands that were ignored because their name could not be read. */
  ignoredCommands = 0;
  /** Data messages that no player gets: their name could not be read, or they clear the metadata. */
  ignoredData = 0;
  /** Players that were disconnected because dropping frames did not help. */
  slowPlayersDisconnected = 0;
}
