import Bytes
import Foundation
import Ledger
import Platform
import Testing

/// A server as a process of its own; it is killed with the last reference.
final class ServingProcess {
  let process: Process
  let ledger: ProgramLedger

  /// Starts it, and returns once it can be asked.
  init(_ ledger: ProgramLedger, _ arguments: [String] = [], mask: String? = nil) throws {
    self.ledger = ledger
    let all = ["serve", "-q", "-C", ledger.path] + arguments
    if let mask {
      let program = Shell.products.appendingPathComponent("dispatch-ledger").path
      process = Shell.process(
        "/bin/sh", ["-c", "umask \(mask); exec \"$0\" \"$@\"", program] + all)
    } else {
      process = Shell.process("dispatch-ledger", all)
    }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    while try SocketClient(ledger) == nil {
      try #require(process.isRunning, "the server has ended")
      usleep(2_000)
    }
  }

  deinit { kill() }

  func kill() {
    if process.isRunning { _ = Foundation.kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }

  /// Asks it to end, and returns its exit status.
  func stop() -> Int32 {
    process.terminate()
    process.waitUntilExit()
    return process.terminationReason == .exit ? process.terminationStatus : -1
  }
}

/// What speaks to a server as `FORMAT.md` §29 says, and not by the program's own client.
final class SocketClient {
  let socket: LocalConnection
  private var input: [UInt8] = []
  private(set) var actor = ""

  /// `nil` where nobody listens, or says hello.
  convenience init?(_ ledger: ProgramLedger) throws {
    try self.init(at: ledger.path + "/serve.sock")
  }

  init?(at path: String, hello: JSONObject = ["do": "hello", "v": 1]) throws {
    guard let socket = try LocalConnection.open(path) else { return nil }
    self.socket = socket
    guard let answer = ask(hello) else { return nil }
    if case .string(let actor)? = answer["actor"] { self.actor = actor }
  }

  func ask(_ header: JSONObject, lines: [String] = []) -> JSONObject? {
    send(header, lines: lines) ? answer() : nil
  }

  func send(_ header: JSONObject, lines: [String] = []) -> Bool {
    send(ServerMessage(header, lines: lines.flatMap { Array($0.utf8) + [10] }).encoded)
  }

  func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      switch socket.write(rest) {
      case .bytes(let count): rest = rest.dropFirst(count)
      case .notNow: _ = socket.waitToWrite(milliseconds: 1_000)
      case .ended: return false
      }
    }
    return true
  }

  /// The next answer, or `nil` where the server is gone.
  func answer() -> JSONObject? {
    while true {
      switch ServerMessage.take(from: &input, limit: ServerMessage.limit) {
      case .message(let message): return message.header
      case .malformed: return nil
      case .incomplete: break
      }
      switch socket.read(appendingTo: &input, limit: 4_096) {
      case .bytes: break
      case .notNow: _ = socket.waitToRead(milliseconds: 1_000)
      case .ended: return nil
      }
    }
  }

  /// Asks to record an observation.
  func observe(_ key: String, wait: Int64 = 60_000) -> JSONObject? {
    ask(Self.call(key, wait: wait), lines: [Self.observation])
  }

  static let observation = #"{"command":"observe","signal":"load","value":"42.5"}"#

  static func call(_ key: String, wait: Int64 = 60_000) -> JSONObject {
    ["do": "call", "entries": 1, "key": .string(key), "wait": .integer(wait)]
  }
}

extension JSONObject {
  func text(_ key: String) -> String? {
    if case .string(let text)? = self[key] { text } else { nil }
  }
}

/// Keys that were acknowledged, with the event that each became.
final class Acknowledged: @unchecked Sendable {
  private let lock = NSLock()
  private var events: [(key: String, event: Int)] = []

  func add(_ key: String, _ answer: JSONObject) {
    guard let event = answer.text("first").flatMap({ Int($0) }) else { return }
    lock.withLock { events.append((key, event)) }
  }

  var all: [(key: String, event: Int)] { lock.withLock { events } }

  /// Expects each of them once in the log, where its receipt says.
  func expectIn(_ ledger: ProgramLedger) throws {
    let lines = try ledger.eventLines()
    var seen: Set<String> = []
    for line in lines {
      let key = #"(?<="idempotencykey":")[^"]*"#
      guard let range = line.range(of: key, options: .regularExpression) else { continue }
      #expect(seen.insert(String(line[range])).inserted, "\(line[range]) stands twice")
    }
    for (key, event) in all {
      try #require(event < lines.count, "event \(event) of \(key) isn't there")
      #expect(lines[event].contains(#""id":"\#(event)","#), "\(event)")
      #expect(lines[event].contains(#""idempotencykey":"\#(key)""#), "event \(event) isn't \(key)")
    }
  }
}

/// Runs so many clients on threads of their own, each until its server is gone or `count` calls are done.
func runClients(
  _ clients: Int, of ledger: ProgramLedger, calls count: Int = .max, prefix: String,
  into acknowledged: Acknowledged
) -> DispatchGroup {
  let group = DispatchGroup()
  let path = ledger.path + "/serve.sock"
  for client in 0..<clients {
    group.enter()
    Thread.detachNewThread {
      defer { group.leave() }
      guard let socket = (try? SocketClient(at: path)) ?? nil else { return }
      for number in 0..<count {
        let key = "\(prefix)/\(client)/\(number)"
        guard let answer = socket.observe(key), answer.text("answer") == "done" else { return }
        acknowledged.add(key, answer)
      }
    }
  }
  return group
}
