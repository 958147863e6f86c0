import Bytes
import Dispatching
import EventLog
import Events
import Foundation
import Ledger
import Platform
import Testing
import Views

@Suite("A ledger in a directory")
struct LedgerTests {
  let directory: TemporaryLedger

  init() throws { directory = try TemporaryLedger() }

  private func request(_ text: String) throws -> Command {
    .dispatch(try DispatchRequest(parsing: Array(text.utf8)))
  }

  @Test("is made with event 0, and its settings and keys are its owner's alone")
  func creation() throws {
    let ledger = try directory.open()
    let turn = try ledger.takeTurn()
    #expect(turn.size == 1)
    for path in ["LEDGER", "head", "config.json", "keys/signing-key", "keys/idempotency-key"] {
      let status = try FileStatus(of: directory.path + "/" + path)
      #expect(status.permissions == 0o600, "\(path)")
    }
    #expect(try FileStatus(of: directory.path + "/keys").permissions == 0o700)
    #expect(throws: LedgerError.self) { try directory.create() }
  }

  @Test("takes the catalogue, then both requests as they are, and answers with receipts")
  func requests() throws {
    let ledger = try directory.withCatalogue()
    let closed = try ledger.submit(
      [request(TemporaryLedger.closedRequest)], key: "closed")
    guard case .dispatch(let result)? = closed.results.first else {
      Issue.record("no result")
      return
    }
    #expect(result.outcome == .requested)
    #expect(result.isLate == true)
    #expect(result.totals?.recipients == 2)
    #expect(result.totals?.exclusions == 1)
    let open = try ledger.submit([request(TemporaryLedger.openRequest)], key: "open")
    guard case .dispatch(let second)? = open.results.first else {
      Issue.record("no result")
      return
    }
    #expect(second.isOpenEnded == true)
    #expect(open.size == closed.size + 2)
  }

  @Test("answers a repeated key with the first receipt, and refuses it with other content")
  func idempotency() throws {
    let ledger = try directory.withCatalogue()
    let first = try ledger.submit([request(TemporaryLedger.closedRequest)], key: "k")
    _ = try ledger.submit([request(TemporaryLedger.openRequest)], key: "other")
    let again = try directory.open().submit([request(TemporaryLedger.closedRequest)], key: "k")
    #expect(again.isRepeated && !first.isRepeated)
    #expect(again.events == first.events)
    #expect(again.root == first.root)
    #expect(again.size == first.size)
    #expect(again.results == first.results)
    #expect {
      try ledger.submit([request(TemporaryLedger.openRequest)], key: "k")
    } throws: { error in
      if case LedgerError.keyReused? = error as? LedgerError { true } else { false }
    }
  }

  @Test("decides each command of a call on what the ones before it did, in one commit")
  func severalCommands() throws {
    let ledger = try directory.withCatalogue()
    let before = try ledger.takeTurn().size
    let unknown = #"{"start_time":"08/27/2019 21:04","program_id":99,"event_type_id":"1"}"#
    let receipt = try ledger.submit(
      [
        request(TemporaryLedger.openRequest), request(unknown),
        .importCatalogue(
          try CatalogueDocument(
            parsing: Array(#"{"user_groups":[{"id":"late","name":"Late"}]}"#.utf8))),
      ], key: "three")
    #expect(receipt.results.count == 3)
    #expect(receipt.hasRejection)
    #expect(receipt.events?.lowerBound == before)
    let reader = try LogReader(ledger.storage, identity: ledger.identity)
    var cursor = reader.events(from: before)
    var commits: Set<UInt64> = []
    while let stored = try cursor.read() { commits.insert(stored.commit.first) }
    #expect(commits == [before])
  }

  @Test("two that make the same divided call at once do each entry once between them")
  func sameCallTwice() throws {
    let ledger = try directory.withCatalogue()
    let before = try ledger.takeTurn().size
    let call = Call(Array(repeating: try request(TemporaryLedger.openRequest), count: 9))
    let other = try directory.open()
    var theirs: [CallReceipt.Batch] = []
    let receipt = try ledger.submit(call, key: "k", batch: 2) { part in
      // After the second part, another caller does two more and one that spans what is left.
      guard part.entries.upperBound == 4 else { return }
      _ = try? other.submit(call, key: "k", batch: 3) { theirs.append($0) }
    }
    #expect(theirs.map(\.entries) == [0..<2, 2..<4, 4..<7, 7..<9])
    #expect(theirs.map(\.isRepeated) == [true, true, false, false])
    #expect(receipt.batches.map(\.entries) == theirs.map(\.entries))
    #expect(receipt.batches.map(\.isRepeated) == [false, false, true, true])
    #expect(!receipt.isRepeated)
    #expect(receipt.results.count == 9)
    #expect(try ledger.takeTurn().size == before + 18)
  }

  @Test("answers no repeated key from views that the log doesn't confirm")
  func unconfirmedKey() throws {
    let ledger = try directory.withCatalogue()
    _ = try ledger.submit([request(TemporaryLedger.closedRequest)], key: "k")
    for change in ["offset = offset + 7", "first = first - 1", "hash = hash"] {
      let database = try Database(.file(directory.path + "/index/views.db"))
      try database.execute("UPDATE idempotency_key SET \(change) WHERE key = 'k'")
      do {
        _ = try directory.open().submit([request(TemporaryLedger.closedRequest)], key: "k")
        #expect(change == "hash = hash", "\(change)")
      } catch LedgerError.unconfirmedKey("k", _) {
        #expect(change != "hash = hash")
      }
      try ledger.rebuildViews(to: ledger.takeTurn().durable)
    }
  }

  @Test("expects a size where the caller does, and appends nothing otherwise")
  func expectation() throws {
    let ledger = try directory.withCatalogue()
    let size = try ledger.takeTurn().size
    #expect {
      try ledger.submit([request(TemporaryLedger.openRequest)], key: "a", expected: size + 1)
    } throws: { error in
      guard case LedgerError.unexpectedSize(_, let found)? = error as? LedgerError else {
        return false
      }
      return found == size
    }
    #expect(try ledger.takeTurn().size == size)
    let receipt = try ledger.submit(
      [request(TemporaryLedger.openRequest)], key: "a", expected: size)
    #expect(receipt.events?.lowerBound == size)
  }

  @Test("builds its views again when they are gone, damaged or behind, with the same content")
  func rebuild() throws {
    let ledger = try directory.withCatalogue()
    _ = try ledger.submit([request(TemporaryLedger.closedRequest)], key: "a")
    let digest = try ledger.views.contentDigest()
    for name in ["views.db", "views.db-wal", "views.db-shm"] {
      try? FileManager.default.removeItem(atPath: directory.path + "/index/" + name)
    }
    let again = try directory.open()
    _ = try again.takeTurn()
    #expect(try again.views.contentDigest() == digest)
  }

  @Test("keeps names and addresses out of every file but the keys' holder's memory")
  func sealing() throws {
    _ = try directory.withCatalogue()
    let log = try readFile(directory.path + "/log/0000000000000000.log", limit: 1 << 20)
    let text = String(decoding: log, as: UTF8.self)
    #expect(text.contains("sealed:1:"))
    // With a blank or a sign: a word of three letters comes up by chance in sealed text and in keys.
    for secret in ["Ada Lovelace", "+15551234567", "ada@example.com"] {
      #expect(!text.contains(secret), "\(secret)")
      for name in ["views.db", "views.db-wal"] {
        let file = directory.path + "/index/" + name
        guard FileManager.default.fileExists(atPath: file) else { continue }
        let bytes = try readFile(file, limit: 1 << 24)
        #expect(!String(decoding: bytes, as: UTF8.self).contains(secret), "\(secret) in \(name)")
      }
    }
  }

  @Test("several processes add keys to one file, and none loses another's")
  func keysOfSeveral() throws {
    // These three ids' hashes begin with the same byte.
    func add(_ user: String, _ ledger: Ledger) throws -> CallReceipt {
      let catalogue = #"{"users":[{"id":"\#(user)","name":"N","contacts":{"sms":"+15551234567"}}]}"#
      return try ledger.submit(
        [.importCatalogue(try CatalogueDocument(parsing: Array(catalogue.utf8)))],
        key: try ledger.newKey())
    }
    let (one, other) = (try directory.open(), try directory.open())
    _ = try add("u-1", one)
    _ = try add("u-166", other)
    _ = try add("u-776", one)
    // What can be opened is the same as before, and appends nothing.
    for user in ["u-1", "u-166", "u-776"] {
      #expect(try add(user, try directory.open()).events == nil, "\(user)")
    }
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/keys/users")
    #expect(files == ["a2"])
  }

  @Test("records what a crash tore, once")
  func quarantine() throws {
    _ = try directory.withCatalogue()
    let path = directory.path + "/log/0000000000000000.log"
    let whole = try readFile(path, limit: 1 << 20)
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("#commit first=00".utf8))
    try handle.close()
    let ledger = try directory.open()
    var notes: [LedgerNote] = []
    ledger.tell = { notes.append($0) }
    let size = try ledger.takeTurn().size
    #expect(notes.count == 1)
    #expect(try ledger.takeTurn().size == size)
    #expect(try ledger.views.quarantineFiles.list().count == 1)
    #expect(try readFile(path, limit: 1 << 20).starts(with: whole))
  }
}

/// A ledger in a directory of its own, that goes with the last reference.
final class TemporaryLedger: Sendable {
  let path: String

  static let closedRequest =
    #"{"start_time":"08/27/2019 21:04", "end_time":"08/27/2019 22:04", "program_id":1, "event_type_id":"1"}"#
  static let openRequest =
    #"{"start_time":"08/27/2019 21:04", "program_id":1, "event_type_id":"1"}"#
  static let catalogue = #"""
    {"user_groups":[{"id":"industrial","name":"Industrial sites"}],
     "event_types":[{"id":"1","name":"Emergency","user_group_ids":["industrial"]}],
     "programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
       "communication_codes":["sms","email","console"],"lead_time":"PT30M"}],
     "users":[
      {"id":"u-1","name":"Ada Lovelace","user_group_ids":["industrial"],
       "contacts":{"sms":"+15551234567","email":"ada@example.com"}},
      {"id":"u-2","name":"Ben","user_group_ids":["industrial"],"contacts":{"console":"u-2"}},
      {"id":"u-3","name":"Cleo","user_group_ids":["industrial"],"contacts":{}}]}
    """#

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("ledger-\(UUID().uuidString)").path
    try create()
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func create() throws {
    _ = try Ledger.create(
      LedgerPath(path),
      NewLedger(origin: "example.com/dr", configuration: Array("{}\n".utf8)),
      surroundings: .system(actor: "user:test@host"))
  }

  func open() throws -> Ledger {
    try Ledger(LedgerPath(path), surroundings: .system(actor: "user:test@host"))
  }

  func withCatalogue() throws -> Ledger {
    let ledger = try open()
    let catalogue = try CatalogueDocument(parsing: Array(Self.catalogue.utf8))
    _ = try ledger.submit([.importCatalogue(catalogue)], key: "catalogue")
    return ledger
  }
}
