import Audit
import Bytes
import EventLog
import Events
import Merkle
import Simulation
import Testing

/// A ledger over the simulated disk, written without the loop: one event a commit.
struct AuditedHistory {
  static let identity: LedgerIdentity = {
    guard let id = EventLog.LedgerID(hex: "8899aabbccddeeff0011223344556677"),
      let created = Instant(text: "2026-11-23T17:00:00.000000Z".utf8),
      let key = Ed25519.SigningKey(seed: [UInt8](repeating: 3, count: 32))?.publicKey,
      let vkey = VerifierKey(name: "example.com/dr", key: key),
      let identity = LedgerIdentity(
        id: id, origin: "example.com/dr", created: created, verifierKey: vkey)
    else { fatalError("the identity of the tests isn't valid") }
    return identity
  }()

  let disk = SimulatedDisk()

  static func id(_ text: String) -> EntityID {
    guard let id = EntityID(text) else { fatalError("'\(text)' is no id") }
    return id
  }

  static func moment(_ text: String) -> ZonedMoment {
    guard let instant = Instant(text: text.utf8), let zone = ZoneName("America/New_York") else {
      fatalError("'\(text)' is no instant")
    }
    return ZonedMoment(
      instant: instant, zone: zone, text: "08/27/2019 21:04", offsetSeconds: -14_400,
      tzdata: "2025b")
  }

  static func requested(_ dispatch: String, attributes: JSONObject? = nil) -> EventPayload {
    .dispatchRequested(
      DispatchRequested(
        dispatchID: id(dispatch), modification: 1, programID: id("1"), program: 2,
        eventTypeID: id("1"), eventType: 3, start: moment("2019-08-28T01:04:00.000000Z"), end: nil,
        isTest: false, isLate: true, attributes: attributes))
  }

  static func rejected(_ dispatch: String, message: String) -> EventPayload {
    guard let code = CodeWord("unknown-program") else { fatalError("no code word") }
    return .dispatchRejected(
      DispatchRejected(
        dispatchID: id(dispatch), command: .request,
        reasons: [RejectionReason(code: code, field: "program_id", message: message)],
        request: JSONObject()))
  }

  init(_ payloads: [EventPayload]) throws {
    var writer = try LogWriter.create(in: disk, identity: Self.identity)
    guard let id = Events.LedgerID(Self.identity.id.hex) else { fatalError("no id") }
    let created = EventPayload.ledgerCreated(
      LedgerCreated(
        format: 1, ledgerID: id, origin: "example.com/dr", vkey: Self.identity.verifierKey.text))
    for payload in [created] + payloads {
      let time =
        writer.size == 0 ? Self.identity.created : writer.lastTime.adding(seconds: 1)
      let event = Event(
        id: writer.size, time: time, source: "example.com/dr", actor: "user:test@host",
        payload: payload)
      _ = try writer.append([event.encodeLine()], time: time)
      try writer.synchronize()
    }
    disk.setBytes(of: "LEDGER", to: Self.identity.encoded)
  }

  func logs(_ wanted: [String]? = nil) throws -> [TransactionLog] {
    let reader = try LogReader(disk, identity: Self.identity)
    return try Replay(reader).transactionLogs(of: wanted?.map(Self.id))
  }
}

@Suite("A transaction log")
struct TransactionLogTests {
  @Test("is the text that FORMAT.md specifies, to the byte")
  func golden() throws {
    let history = try AuditedHistory([AuditedHistory.requested("d-1")])
    let text = try #require(history.logs().first).text
    let expected = """
      transaction-log 1
      ledger 8899aabbccddeeff0011223344556677 example.com/dr
      dispatch d-1
      program 1
      event-type 1
      kind REAL
      start 2019-08-28T01:04:00.000000Z -04:00 America/New_York
      end open
      1 2026-11-23T17:00:01.000000Z dispatch.requested.v1 actor="user:test@host" event_type="3" event_type_id="1" late=true modification=1 open_ended=true program="2" program_id="1" start={"instant":"2019-08-28T01:04:00.000000Z","offset_seconds":-14400,"text":"08/27/2019 21:04","tzdata":"2025b","zone":"America/New_York"} test=false
      counts
      first 1
      last 1
      size 2
      root \(try root(history))

      """
    #expect(text == expected)
    #expect(try history.logs().map(\.text) == [text])
  }

  private func root(_ history: AuditedHistory) throws -> String {
    try Verification(history.disk, identity: AuditedHistory.identity).report.root.base64
  }

  @Test("doesn't change by a byte for what is appended about anything else")
  func unconcerned() throws {
    let alone = try AuditedHistory([AuditedHistory.requested("d-1")])
    let beside = try AuditedHistory([
      AuditedHistory.requested("d-1"), AuditedHistory.requested("d-2"),
      AuditedHistory.rejected("d-10", message: "x"),
    ])
    #expect(try alone.logs().first?.text == beside.logs(["d-1"]).first?.text)
    #expect(try beside.logs().map(\.dispatchID.text) == ["d-1", "d-2", "d-10"])
    #expect(throws: AuditError.self) { try beside.logs(["d-3"]) }
  }

  @Test("can't be forged by a text: no value begins a line, ends early or hides")
  func hostile() throws {
    let message = "x\n9 2026-11-23T17:00:00.000000Z dispatch.ended.v1\u{202E}\u{1B}[2J\" root=y"
    let attributes = JSONObject([
      .init(key: "a b=c", value: .string("counts\nfirst 0")),
      .init(key: "subject", value: "dispatch/d-9"),
      .init(key: "inner", value: ["subject": "dispatch/d-9", "time": "x"]),
    ])
    let history = try AuditedHistory([
      AuditedHistory.requested("d-1", attributes: attributes),
      AuditedHistory.rejected("d-1", message: message),
    ])
    let logs = try history.logs()
    #expect(logs.map(\.dispatchID.text) == ["d-1"])
    let log = try #require(logs.first)
    #expect(log.lines.count == 8 + 2 + 1 + 4)
    #expect(log.lines.allSatisfy { line in line.unicodeScalars.allSatisfy { $0.value >= 0x20 } })
    #expect(!log.text.unicodeScalars.contains("\u{202E}"))
    #expect(log.text.contains("\\u202e"))
  }

  @Test("compared with an older one is the same, extended or altered, with each line named")
  func comparison() throws {
    let older = try #require(AuditedHistory([AuditedHistory.requested("d-1")]).logs().first).text
    let longer = try AuditedHistory([
      AuditedHistory.requested("d-1"), AuditedHistory.rejected("d-1", message: "again"),
    ])
    let newer = try #require(longer.logs().first).text
    #expect(Comparison(older: older, newer: older) == .same)
    #expect(Comparison(older: older, newer: newer) == .extended)
    for (from, to) in [
      ("late=true", "late=false"), ("size 2", "size 3"), ("kind REAL", "kind TEST"),
    ] {
      let altered = replacing(from, with: to, in: older)
      guard case .altered(let lines) = Comparison(older: altered, newer: older) else {
        Issue.record("\(from) isn't found")
        continue
      }
      #expect(lines.count == 1, "\(from)")
      #expect(lines.first?.older?.contains(to) == true)
    }
    guard case .altered = Comparison(older: newer, newer: older) else {
      Issue.record("what was cut isn't found")
      return
    }
  }

  private func replacing(_ text: String, with other: String, in whole: String) -> String {
    let bytes = Array(whole.utf8)
    guard let at = bytes.indices.first(where: { bytes[$0...].starts(with: text.utf8) }) else {
      return whole
    }
    return String(
      decoding: bytes[..<at] + Array(other.utf8) + bytes[(at + text.utf8.count)...],
      as: UTF8.self)
  }
}

@Suite("The check of events")
struct EventCheckTests {
  /// A ledger whose second commit holds one line that is given.
  private func verify(_ line: (UInt64, Instant) -> [UInt8]) throws -> Verification {
    let history = try AuditedHistory([])
    let head = try history.disk.open("head", for: .writing)
    var writer = try LogWriter.open(
      history.disk, identity: AuditedHistory.identity, head: head)
    let time = writer.lastTime.adding(seconds: 1)
    _ = try writer.append([line(1, time)], time: time)
    try writer.synchronize()
    return try Verification(history.disk, identity: AuditedHistory.identity)
  }

  private func event(_ id: UInt64, _ time: Instant) -> Event {
    Event(
      id: id, time: time, source: "example.com/dr", payload: AuditedHistory.requested("d-1"))
  }

  @Test("accepts what stands where it should")
  func accepted() throws {
    let verification = try verify { event($0, $1).encodeLine() }
    #expect(verification.report.damage.isEmpty)
    #expect(verification.verdict == .whole)
  }

  @Test("names each line that breaks a rule, and the verdict is a violation")
  func refused() throws {
    let lines: [(String, (UInt64, Instant) -> [UInt8])] = [
      ("another id", { event($0 + 1, $1).encodeLine() }),
      ("another time", { event($0, $1.adding(seconds: 1)).encodeLine() }),
      (
        "another source",
        {
          var event = event($0, $1)
          event.source = "example.com/other"
          return event.encodeLine()
        }
      ),
      (
        "a clock that isn't behind",
        {
          var event = event($0, $1)
          event.clock = $1
          return event.encodeLine()
        }
      ),
      ("no event", { _, _ in Array("{}".utf8) }),
      ("space", { Array("{ ".utf8) + event($0, $1).encodeLine().dropFirst() }),
      (
        "a second beginning",
        { id, time in
          guard let ledger = Events.LedgerID(AuditedHistory.identity.id.hex) else { return [] }
          let created = LedgerCreated(
            format: 1, ledgerID: ledger, origin: "example.com/dr", vkey: "x")
          var line = Event(
            id: id, time: time, source: "example.com/dr", payload: .ledgerCreated(created)
          )
          .encodeLine()
          line[0] = UInt8(ascii: "{")
          line.removeLast()
          return line + Array(",\"type\":1}".utf8)
        }
      ),
    ]
    for (name, line) in lines {
      let verification = try verify(line)
      #expect(verification.report.damage.map(\.kind) == [.event], "\(name)")
      #expect(verification.report.damage.map(\.ids) == [1..<2], "\(name)")
      #expect(verification.verdict == .violated, "\(name)")
    }
  }
}
