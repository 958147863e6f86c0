import Bytes
import Ledger
import Platform

/// Many connections to a server, each of which waits for its own answer before it asks again; all
/// on one thread.
final class SocketWriters {
  private final class Writer {
    let socket: LocalConnection
    var input: [UInt8] = []
    var before: UInt64 = 0

    init(_ socket: LocalConnection) { self.socket = socket }
  }

  struct Failure: Error { let text: String }

  private var writers: [Writer] = []
  private let prefix: String
  private var number = 0

  init(_ directory: String, count: Int) throws {
    prefix = Hex.encode(try randomBytes(8))
    for _ in 0..<count {
      guard let socket = try LocalConnection.open(LedgerPath(directory).socket) else {
        throw Failure(text: "no server")
      }
      let writer = Writer(socket)
      send(ServerMessage(["do": "hello", "v": 1]), writer)
      while try answer(writer) == nil { _ = socket.waitToRead(milliseconds: 1_000) }
      writers.append(writer)
    }
  }

  func run(_ span: Span, into samples: inout Samples) throws {
    var times: [UInt64] = []
    var finished = 0
    let end = span.end
    var waiting = writers.count
    for writer in writers { ask(writer) }
    var sockets = SocketPoll()
    while waiting > 0 {
      sockets.removeAll()
      let indices = writers.map { sockets.watchToRead($0.socket) }
      sockets.wait(milliseconds: 10_000)
      for (writer, index) in zip(writers, indices) where sockets.isReady(index) {
        guard let answer = try answer(writer) else { continue }
        let now = SystemClock.monotonicNanoseconds()
        guard answer == "done" else { throw Failure(text: answer) }
        times.append(now - writer.before)
        if now < end {
          finished += 1
          ask(writer)
        } else {
          waiting -= 1
        }
      }
    }
    samples.add(times, finished: finished, in: span.nanoseconds)
  }

  private func ask(_ writer: Writer) {
    number += 1
    writer.before = SystemClock.monotonicNanoseconds()
    send(
      ServerMessage(
        [
          "do": "call", "entries": 1, "key": .string("\(prefix)/\(number)"), "wait": 10_000,
        ],
        lines: Array(#"{"command":"observe","signal":"load","value":"42.5"}"#.utf8) + [10]), writer)
  }

  private func send(_ message: ServerMessage, _ writer: Writer) {
    var rest = message.encoded[...]
    while case .bytes(let count) = writer.socket.write(rest) {
      rest = rest.dropFirst(count)
      if rest.isEmpty { return }
    }
  }

  private func answer(_ writer: Writer) throws -> String? {
    if case .ended = writer.socket.read(appendingTo: &writer.input, limit: 4_096) {
      throw Failure(text: "the server is gone")
    }
    switch ServerMessage.take(from: &writer.input, limit: ServerMessage.limit) {
    case .incomplete: return nil
    case .malformed: return "nonsense"
    case .message(let message):
      guard case .string(let text)? = message.header["answer"] else { return "nonsense" }
      return text
    }
  }
}
