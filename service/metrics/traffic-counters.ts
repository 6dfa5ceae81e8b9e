/**
 * What the hot path counts, as plain numbers: an addition per event and nothing else. The metrics page reads them
 * when it is asked for.
 */
export class TrafficCounters {
  /** Bytes read from clients, handshake and chunk headers included. */
  bytesIn = 0;
  /** Bytes handed to the sockets of clients. */
  bytesOut = 0;
  /** RTMP messages read, control messages included. */
  messagesIn = 0;
  /** RTMP messages sent; one that goes to 200 players counts 200 times. */
  messagesOut = 0;
  /** Writes of media to players' sockets: with reads, what the node's cost follows. */
  writes = 0;
  /** Reads from clients' sockets; over TLS, pieces of what was decrypted. */
  reads = 0;
  /** Audio and video messages a player did not get because it could not keep up. */
  droppedFrames = 0;
  /** Commands that were left out because not even their name could be read. */
  ignoredCommands = 0;
  /** Data messages that no player gets: their name could not be read, or they order metadata to be forgotten. */
  ignoredData = 0;
  /** Players that were disconnected because dropping frames did not help. */
  slowPlayersDisconnected = 0;
}
