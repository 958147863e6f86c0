import Bytes
import Dispatching
import EventLog
import Foundation
import Ledger
import Platform
import Testing

@Suite("A server whose disk fails")
struct LedgerServerTests {
  /// A connection that has said hello.
  private func connect(_ path: String) throws -> LocalConnection {
    while true {
      if let socket = try LocalConnection.open(path) {
        _ = socket.write(ServerMessage(["do": "hello", "v": 1]).encoded[...])
        _ = try answer(socket)
        return socket
      }
      usleep(1_000)
    }
  }

  private func answer(_ socket: LocalConnection) throws -> JSONObject {
    var bytes: [UInt8] = []
    while true {
      _ = socket.waitToRead(milliseconds: 60_000)
      if case .ended = socket.read(appendingTo: &bytes, limit: 4_096) { return [:] }
      guard bytes.count > 4, bytes.count >= 4 + ServerMessage.length(bytes) else { continue }
      return try #require(ServerMessage(bytes[4...])).header
    }
  }

  private func ask(_ socket: LocalConnection, key: String) {
    let observation = #"{"command":"observe","signal":"load","value":"42.5"}"#
    let message = ServerMessage(
      ["do": "call", "entries": 1, "key": .string(key), "wait": 60_000],
      lines: Array(observation.utf8) + [10])
    _ = socket.write(message.encoded[...])
  }

  @Test("all that wait for a sync that fails are told that the outcome is unknown, and it stops")
  func failedSync() throws {
    let directory = try TemporaryLedger()
    let storage = try FailingStorage(directory.path)
    let ended = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var failure: (any Error)?
    let path = directory.path
    Thread.detachNewThread {
      do {
        let ledger = try Ledger(
          LedgerPath(path), in: storage, surroundings: .system(actor: "user:test@host"))
        let server = try LedgerServer(ledger, at: nil) { _ in (70, "") }
        try server.run { _ in }
      } catch {
        unsafe failure = error
      }
      ended.signal()
    }
    let sockets = try (0..<6).map { _ in try connect(LedgerPath(path).socket) }
    // While one sync goes on, five more calls come in; theirs fails.
    storage.hold()
    ask(sockets[0], key: "0")
    storage.waitUntilHeld()
    for (index, socket) in sockets.enumerated().dropFirst() { ask(socket, key: "\(index)") }
    storage.release(syncCode: 5)
    #expect(try answer(sockets[0])["answer"] == "done")
    for socket in sockets.dropFirst() {
      let told = try answer(socket)
      #expect(told["answer"] == "failed" && told["unknown"] == true && told["code"] == 5)
    }
    ended.wait()
    guard case .log(.outcomeUnknown)? = unsafe failure as? LedgerError else {
      unsafe Issue.record("it ended with \(String(describing: failure))")
      return
    }
    // The next one opens, and answers each key with what holds.
    let ledger = try directory.open()
    for key in 0..<6 {
      _ = try ledger.submit(
        [
          .observe(
            try SignalReport(["signal": "load", "value": "42.5"]))
        ], key: "\(key)")
    }
    #expect(try ledger.takeTurn().size == 7)
  }
}
