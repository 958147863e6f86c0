import Bytes
import Foundation
import Ledger
import Platform
import Testing

@Suite("Bad intentions, or none at all, on a server's socket", .timeLimit(.minutes(30)))
struct ServeHostilityTests {
  @Test("who stops in the midst of a message holds nobody up")
  func slow() throws {
    let ledger = try ProgramLedger()
    let server = try ServingProcess(ledger)
    let slow = try #require(try SocketClient(ledger))
    let message = ServerMessage(
      SocketClient.call("slow"), lines: Array(SocketClient.observation.utf8) + [10]
    ).encoded
    #expect(slow.send(Array(message.prefix(40))))
    let other = try #require(try SocketClient(ledger))
    for number in 0..<20 { #expect(other.observe("\(number)")?.text("answer") == "done") }
    // What it began in time is done, once it is whole.
    #expect(slow.send(Array(message.dropFirst(40))))
    #expect(slow.answer()?.text("answer") == "done")
    // One that goes on too slowly is cut off.
    #expect(slow.send(Array(message.prefix(1))))
    #expect(slow.answer() == nil)
    #expect(other.observe("last")?.text("answer") == "done")
    #expect(server.stop() == 0)
  }

  @Test("who has the turn and does nothing loses it, and one that dies has lost it at once")
  func idleTurn() throws {
    let ledger = try ProgramLedger()
    let server = try ServingProcess(ledger)
    let other = try #require(try SocketClient(ledger))
    do {
      let dying = try #require(try SocketClient(ledger))
      #expect(dying.ask(["do": "turn", "wait": 1_000])?.text("answer") == "turn")
      #expect(other.send(SocketClient.call("a"), lines: [SocketClient.observation]))
    }
    #expect(other.answer()?.text("answer") == "done")
    let idle = try #require(try SocketClient(ledger))
    #expect(idle.ask(["do": "turn", "wait": 1_000])?.text("answer") == "turn")
    // Nobody waits longer than it said.
    #expect(other.observe("b", wait: 100)?.text("answer") == "busy")
    #expect(other.observe("c")?.text("answer") == "done")
    #expect(idle.answer() == nil)
    #expect(server.stop() == 0)
  }

  @Test("what isn't a message, or too long for one, ends the connection and nothing else")
  func nonsense() throws {
    let ledger = try ProgramLedger()
    let server = try ServingProcess(ledger)
    let size = try ledger.eventLines().count
    let attempts: [[UInt8]] = [
      [255, 255, 255, 255], [0, 4, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1, 0x7B],
      [0, 0, 0, 2, 0x7B, 0x7D],
      ServerMessage(["do": "commit"], lines: [0x7B, 0x7D, 10]).encoded,
      ServerMessage(["do": "close-segment"]).encoded, ServerMessage(["do": "x"]).encoded,
      ServerMessage(["do": 1]).encoded,
      [0, 0, 0, 20] + Array("{\"do\":\"status\"}\n{}\n{".utf8),
    ]
    for bytes in attempts {
      let client = try #require(try SocketClient(ledger))
      #expect(client.send(bytes))
      #expect(client.answer() == nil, "\(bytes.prefix(12))")
    }
    // Before a hello nothing is answered, and another version isn't spoken.
    let other = try #require(
      try SocketClient(at: ledger.path + "/serve.sock", hello: ["do": "hello", "v": 2]))
    #expect(other.answer() == nil)
    #expect(try SocketClient(at: ledger.path + "/serve.sock", hello: ["do": "status"]) == nil)
    // Calls that are none are refused, and the connection goes on.
    let client = try #require(try SocketClient(ledger))
    for (header, lines) in [
      (SocketClient.call("a"), ["nonsense"]), (SocketClient.call("a"), []),
      (SocketClient.call(""), [SocketClient.observation]),
      (["do": "call", "key": "a"], [SocketClient.observation]),
      (["do": "call", "key": "a", "entries": -1], [SocketClient.observation]),
      (["do": "call", "key": "a", "entries": 1, "expect": 7], [SocketClient.observation]),
      (
        ["do": "call", "key": "a", "entries": 1, "wait": 1_000],
        [#"{"command":"end","dispatch_id":"x","reason":"r"}"#]
      ),
    ] as [(JSONObject, [String])] {
      var header = header
      header["wait"] = 60_000
      #expect(client.ask(header, lines: lines)?.text("answer") == "refused", "\(lines)")
    }
    #expect(try ledger.eventLines().count == size)
    #expect(client.observe("a")?.text("answer") == "done")
    #expect(server.stop() == 0)
    #expect(try ledger.verify().status == 0)
  }

  @Test("in a turn only what follows the log, and names who asks, is taken")
  func forged() throws {
    let ledger = try ProgramLedger()
    let server = try ServingProcess(ledger)
    let client = try #require(try SocketClient(ledger))
    #expect(client.observe("a")?.text("answer") == "done")
    let line = try #require(try ledger.eventLines().last)
    let id = try ledger.eventLines().count - 1
    let next = line.replacingOccurrences(of: #""id":"\#(id)""#, with: #""id":"\#(id + 1)""#)
      .replacingOccurrences(
        of: #""idempotency(hash|key)":"[^"]*","#, with: "", options: .regularExpression)
    for forged in [
      line, next.replacingOccurrences(of: client.actor, with: "user:other@host"),
      next.replacingOccurrences(of: "example.com/dr", with: "example.com/xx"),
      next.replacingOccurrences(of: #""time":"2"#, with: #""time":"1"#), "{}",
      next.replacingOccurrences(of: "signal.observed.v1", with: "signal.observed.v2"),
    ] {
      let turn = try #require(try SocketClient(ledger))
      #expect(turn.ask(["do": "turn", "wait": 10_000])?.text("answer") == "turn")
      #expect(turn.ask(["do": "commit"], lines: [forged]) == nil, "\(forged)")
    }
    let turn = try #require(try SocketClient(ledger))
    #expect(turn.ask(["do": "turn", "wait": 10_000])?.text("answer") == "turn")
    #expect(turn.ask(["do": "commit"], lines: [next])?.text("answer") == "committed")
    #expect(turn.send(["do": "end"]))
    #expect(client.observe("b")?.text("answer") == "done")
    #expect(server.stop() == 0)
    #expect(try ledger.eventLines().count == id + 3)
    #expect(try ledger.verify().status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }

  @Test("more than there is room for wait, and one that is idle gives way")
  func crowd() throws {
    let ledger = try ProgramLedger()
    let server = try ServingProcess(ledger)
    var crowd: [SocketClient] = []
    for _ in 0..<LedgerServer.mostPeers { crowd.append(try #require(try SocketClient(ledger))) }
    #expect(try ledger.operate(["observe", "load", "1", "-q"]).status == 0)
    // The one that was idle for longest has gone.
    #expect(crowd[0].answer() == nil)
    #expect(crowd[LedgerServer.mostPeers - 1].observe("last")?.text("answer") == "done")
    #expect(server.stop() == 0)
  }

  @Test("another user is refused, by what the system says of it", .enabled(if: geteuid() == 0))
  func otherUser() throws {
    let ledger = try ProgramLedger()
    let place = FileManager.default.temporaryDirectory
      .appendingPathComponent("socket-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(
      atPath: place, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: place) }
    let server = try ServingProcess(ledger, ["--socket", place + "/s"])
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o666], ofItemAtPath: place + "/s")
    let script = """
      import os, socket, sys
      os.setgid(65534); os.setuid(65534)
      s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
      print(s.recv(1000)[4:].decode(), end="")
      """
    let answer = try Shell.run("/usr/bin/env", ["python3", "-c", script, place + "/s"])
    #expect(answer.output.contains(#""status":77"#), "\(answer.output) \(answer.talk)")
    #expect(server.stop() == 0)
  }

  @Test("a server that goes before it answers leaves the call unknown; its key makes it safe")
  func gone() throws {
    let ledger = try ProgramLedger()
    let identity = try object(String(decoding: try ledger.bytes(of: "LEDGER"), as: UTF8.self))
    let id = try #require(identity["ledger_id"] as? String)
    for (ledgerID, status) in [(id, Int32(76)), ("0", 0)] {
      let listener = try LocalListener(ledger.path + "/serve.sock")
      let done = DispatchSemaphore(value: 0)
      nonisolated(unsafe) let listening = listener
      Thread.detachNewThread {
        // What only says hello.
        while true {
          guard let socket = unsafe listening.accept() else {
            usleep(1_000)
            continue
          }
          _ = socket.waitToRead(milliseconds: 60_000)
          let hello = ServerMessage([
            "actor": "user:x@y", "answer": "hello", "ledger_id": .string(ledgerID), "v": 1,
          ])
          _ = socket.write(hello.encoded[...])
          var call: [UInt8] = []
          while case .bytes = socket.read(appendingTo: &call, limit: 1_000) {}
          _ = socket.waitToRead(milliseconds: 60_000)
          break
        }
        done.signal()
      }
      let answer = try ledger.operate(["observe", "load", "1", "--key", "k"])
      done.wait()
      #expect(answer.status == status, "\(answer.talk)")
      #expect(status == 0 || answer.talk.contains("--key"))
    }
  }
}
