package import Bytes
import Dispatching
import EventLog
import Events
import Merkle
import Platform
import Views

/// How a server that has the ledger stands.
package struct ServerStatus: Hashable, Sendable {
  /// Its process; 0 where the system doesn't tell.
  package let process: Int32
  package let since: Instant
  /// Connections, and how many of them wait.
  package let connections: Int
  package let waiting: Int
}

extension Ledger {
  /// Asks the server that has the ledger how it stands; `nil` where none runs.
  package func serverStatus() throws(LedgerError) -> ServerStatus? {
    guard let connection = try server.connected() else { return nil }
    let answer = connection.ask(
      ServerMessage(["do": "status"]), within: patienceMilliseconds)?.header
    guard let answer, let since = answer.text("since").flatMap({ Instant(text: $0.utf8) }),
      let connections = answer.number("connections"), let waiting = answer.number("waiting")
    else { return nil }
    return ServerStatus(
      process: connection.process, since: since, connections: connections, waiting: waiting)
  }

  /// Whether a server has the ledger, as far as this process has found: it signs then, too.
  package var isServed: Bool { server.isConnected }

  /// Lets a server do a whole call, so that it shares a sync with others.
  ///
  /// - Returns: `nil` where there is none, or where the call is to be decided here: a long one, one
  ///   that is divided, and one that comes to an error, which then is the same as without a server.
  func askServer(_ step: CallStep) throws(LedgerError) -> CallReceipt.Batch? {
    guard server.isAllowed, step.size >= step.entries,
      let lines = linesToSend(step), let connection = try server.connected()
    else { return nil }
    var header: JSONObject = [
      "do": "call", "entries": .integer(Int64(step.entries)), "key": .string(step.keys.text),
      "wait": .integer(Int64(patienceMilliseconds)),
    ]
    header["expect"] = step.expected.map { .string(String($0)) }
    let grace = patienceMilliseconds + ServerAccess.graceMilliseconds
    guard
      let answer = connection.ask(ServerMessage(header, lines: lines), within: grace)?.header
    else { throw .serverGone }
    switch answer.text("answer") {
    case "done": return try batch(answer, step)
    case "earlier":
      guard let row = IdempotencyRow(answer), let entries = answer.number("entries"),
        (1...step.entries).contains(entries), let durable = answer.position("durable")
      else { throw .badServer }
      return try repeated(row, 0..<entries, durable)
    case "refused": return nil
    case "stopping":
      connection.close()
      return nil
    case "busy": throw .locked(milliseconds: patienceMilliseconds)
    case "failed":
      guard let failure = LogError(answer) else { throw .badServer }
      throw .log(failure)
    default: throw .badServer
    }
  }

  /// The call's commands, a line each; `nil` where there are too many, or where one couldn't be read
  /// back as what it is.
  private func linesToSend(_ step: CallStep) -> [UInt8]? {
    // The rest is for what stands before them.
    guard step.call.canonicalBytes.count <= ServerMessage.limit - 16_384 else { return nil }
    var bytes: [UInt8] = []
    for command in step.call.commands(0..<step.call.count) {
      let line = JSON.object(command.document).canonicalBytes
      guard let read = try? Command(parsing: line), read == command else { return nil }
      bytes += line
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes.isEmpty ? nil : bytes
  }

  /// Makes a receipt of what the server says was appended, from the log.
  private func batch(
    _ answer: JSONObject, _ step: CallStep
  ) throws(LedgerError) -> CallReceipt.Batch {
    guard let size = answer.count("size"), let root = answer.digest("root"),
      let durable = answer.position("durable")
    else { throw .badServer }
    guard let first = answer.count("first") else {
      return CallReceipt.Batch(
        isRepeated: false, entries: 0..<step.entries, events: nil, size: size, root: root,
        results: [])
    }
    guard let place = answer.position("place"), first < size, size <= durable.size else {
      throw .badServer
    }
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: durable)
    }
    var cursor = reader.events(from: first, to: size, hint: place)
    var payloads: [EventPayload] = []
    while let stored = try inLog({ () throws(LogError) in try cursor.read() }) {
      do throws(EventError) { payloads.append(try Event(decoding: stored.line).payload) } catch {
        throw .unreadableEvent(stored.id, error)
      }
    }
    return CallReceipt.Batch(
      isRepeated: false, entries: 0..<step.entries, events: first...size - 1, size: size,
      root: root, results: ReceiptResult.all(of: payloads))
  }
}
