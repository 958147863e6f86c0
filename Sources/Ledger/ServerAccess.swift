import Bytes
import Dispatching
import EventLog
import Events
import Merkle
import Platform

/// The way to a server that holds a ledger's writer's lock, where one runs.
final class ServerAccess {
  private let path: String?
  private let ledgerID: String
  /// What the process calls itself, where that isn't what the system says of it.
  private let actor: String?
  private var connection: ServerConnection?

  /// How long a server may take for an answer beyond what its clients wait for each other.
  static let graceMilliseconds = 60_000

  /// - Parameter path: Where it listens; `nil` where none is to be asked.
  init(_ path: String?, ledgerID: String, surroundings: Surroundings) {
    self.path = path
    self.ledgerID = ledgerID
    actor = surroundings.actor == actorOfProcess() ? nil : surroundings.actor
  }

  /// Whether a server is to be asked at all.
  var isAllowed: Bool { path != nil }

  /// Whether a server was asked and is still there.
  var isConnected: Bool { connection?.isOpen ?? false }

  /// The connection to a server; `nil` where none runs, or one that doesn't speak as we do.
  ///
  /// - Throws: `.untrusted` where somebody else listens.
  func connected() throws(LedgerError) -> ServerConnection? {
    if let connection, connection.isOpen { return connection }
    connection = nil
    guard let path else { return nil }
    let found: LocalConnection?
    do { found = try LocalConnection.open(path) } catch {
      // The system lets no more wait to be taken in: that passes.
      return nil
    }
    guard let found else { return nil }
    guard found.peer.user == effectiveUser() else { throw .untrusted(path: path) }
    let made = ServerConnection(found)
    var hello: JSONObject = ["do": "hello", "v": .integer(ServerMessage.version)]
    hello["actor"] = actor.map { .string($0) }
    guard let answer = made.ask(ServerMessage(hello), within: Self.graceMilliseconds)?.header,
      answer.text("answer") == "hello", answer.number("v") == Int(ServerMessage.version),
      answer.text("ledger_id") == ledgerID, let actor = answer.text("actor")
    else { return nil }
    made.actor = actor
    connection = made
    return made
  }

  /// A turn that the server lends; `nil` where there is none.
  ///
  /// - Throws: `.locked` where others had it for too long.
  func takeTurn(within patience: Patience) throws(LedgerError) -> RemoteLog? {
    guard let connection = try connected() else { return nil }
    let wait = patience.restMilliseconds
    let ask = ServerMessage(["do": "turn", "wait": .integer(Int64(wait))])
    guard let answer = connection.ask(ask, within: wait + Self.graceMilliseconds)?.header else {
      return nil
    }
    switch answer.text("answer") {
    case "turn":
      guard let log = RemoteLog(connection, answer) else { throw .badServer }
      return log
    case "busy": throw .locked(milliseconds: patience.milliseconds)
    case "stopping":
      connection.close()
      return nil
    default: throw .badServer
    }
  }
}

/// A moment up to which something is waited for.
struct Patience {
  let milliseconds: Int
  private let end: UInt64

  init(milliseconds: Int) {
    self.milliseconds = milliseconds
    end = SystemClock.monotonicNanoseconds() + UInt64(max(0, milliseconds)) * 1_000_000
  }

  var restMilliseconds: Int {
    let now = SystemClock.monotonicNanoseconds()
    return now < end ? Int((end - now) / 1_000_000) + 1 : 0
  }
}

/// A connection to a server, on which one question at a time is asked.
final class ServerConnection {
  private var socket: LocalConnection?
  private var input: [UInt8] = []
  /// Who asks, as the server will record it.
  var actor = ""

  /// The server's process, as the system says.
  let process: Int32

  init(_ socket: LocalConnection) {
    self.socket = socket
    process = socket.peer.process
  }

  var isOpen: Bool { socket != nil }
  func close() { socket = nil }

  /// Sends a message, and waits for the answer.
  ///
  /// - Returns: `nil` where the server is gone, or says nothing for so long; the connection is closed
  ///   then.
  func ask(_ message: ServerMessage, within milliseconds: Int) -> ServerMessage? {
    let patience = Patience(milliseconds: milliseconds)
    guard send(message, patience), let answer = receive(patience) else {
      close()
      return nil
    }
    return answer
  }

  /// Sends what gets no answer.
  func tell(_ message: ServerMessage) {
    if !send(message, Patience(milliseconds: 1_000)) { close() }
  }

  private func send(_ message: ServerMessage, _ patience: Patience) -> Bool {
    var rest = message.encoded[...]
    while !rest.isEmpty {
      guard let socket else { return false }
      switch socket.write(rest) {
      case .bytes(let count): rest = rest.dropFirst(count)
      case .notNow:
        guard socket.waitToWrite(milliseconds: patience.restMilliseconds) else { return false }
      case .ended: return false
      }
    }
    return true
  }

  private func receive(_ patience: Patience) -> ServerMessage? {
    while true {
      switch ServerMessage.take(from: &input, limit: ServerMessage.limit) {
      case .message(let message): return message
      case .malformed: return nil
      case .incomplete: break
      }
      guard let socket else { return nil }
      switch socket.read(appendingTo: &input, limit: 4_096) {
      case .bytes: break
      case .notNow:
        guard socket.waitToRead(milliseconds: patience.restMilliseconds) else { return nil }
      case .ended: return nil
      }
    }
  }
}

/// The log of a turn that a server has lent.
final class RemoteLog: TurnLog {
  private let connection: ServerConnection
  private(set) var durable: LogPosition
  private(set) var frontier: Frontier
  private(set) var lastTime: Instant

  init?(_ connection: ServerConnection, _ answer: JSONObject) {
    guard let durable = answer.position("durable"),
      let lastTime = answer.text("last_time").flatMap({ Instant(text: $0.utf8) }),
      case .array(let values)? = answer["frontier"]
    else { return nil }
    var hashes: [Digest] = []
    for case .string(let text) in values {
      guard let hash = Digest(hex: text.utf8) else { return nil }
      hashes.append(hash)
    }
    guard let frontier = Frontier(size: durable.size, hashes: hashes) else { return nil }
    self.connection = connection
    self.durable = durable
    self.lastTime = lastTime
    self.frontier = frontier
  }

  deinit { connection.tell(ServerMessage(["do": "end"])) }

  var recovery: Recovery { Recovery() }
  var actor: String? { connection.actor }

  func append(
    _ events: [Event], _ lines: [[UInt8]], at time: Instant
  ) throws(LedgerError) -> Receipt {
    var body: [UInt8] = []
    for line in lines {
      guard line.count <= LogLimit.eventBytes else {
        throw .log(.eventTooLong(bytes: line.count))
      }
      body += line
      body.append(UInt8(ascii: "\n"))
    }
    let answer = try ask(ServerMessage(["do": "commit"], lines: body))
    guard answer.text("answer") == "committed", let end = answer.position("durable"),
      let segment = answer.count("segment"), let offset = answer.count("offset"),
      let root = answer.digest("root")
    else { throw .badServer }
    let leaves = lines.map { MerkleTree.leafHash($0) }
    for leaf in leaves { frontier.append(leaf: leaf) }
    guard frontier.root == root, frontier.size == end.size else { throw .badServer }
    durable = end
    lastTime = time
    return Receipt(
      first: end.size - UInt64(leaves.count), leaves: leaves, root: root, segment: segment,
      bodyOffset: offset)
  }

  func makeDurable() {}

  func closeSegment(at time: Instant) throws(LedgerError) -> Bool {
    let answer = try ask(ServerMessage(["do": "close-segment"]))
    guard answer.text("answer") == "closed", let end = answer.position("durable"),
      let isClosed = answer.flag("closed")
    else { throw .badServer }
    durable = end
    return isClosed
  }

  /// The server keeps them.
  func catchUpIndexes() {}
  func rebuildStreams() {}

  private func ask(_ message: ServerMessage) throws(LedgerError) -> JSONObject {
    let grace = ServerAccess.graceMilliseconds
    guard let answer = connection.ask(message, within: grace)?.header else { throw .serverGone }
    if let failure = LogError(answer) { throw .log(failure) }
    return answer
  }
}
