import Foundation
import Simulation
import Testing

/// The keys' files and a process that dies at each of its calls to the system in turn.
@Suite("Keys and a kill at every call", .timeLimit(.minutes(60)))
struct KeyKillTests {
  /// What changes files; a kill at its beginning leaves all before it.
  private static let calls =
    "openat,write,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,"
    + "mkdirat,ftruncate,fallocate,fchmod"

  private let template: ProgramLedger
  private let folder: TemporaryFolder

  init() throws {
    template = try ErasureTests.ledger()
    folder = try TemporaryFolder()
  }

  /// The program on a fresh copy of the ledger, killed at its call number `count`; `nil` where it came
  /// to its end before.
  private func killed(
    at count: Int, _ arguments: [String], input: String?
  ) throws -> (ledger: String, isKilled: Bool) {
    let copy = folder.path + "/\(count)"
    #expect(try Shell.run("/bin/cp", ["-a", template.path, copy]).status == 0)
    let ended = try Shell.run(
      "/usr/bin/strace",
      [
        "-f", "-o", "/dev/null", "-e", "trace=\(Self.calls)", "-e",
        "inject=\(Self.calls):signal=KILL:when=\(count)",
        Shell.products.appendingPathComponent("dispatch-ledger").path,
      ] + arguments + ["-C", copy], input: input)
    return (copy, ended.status != 0)
  }

  private func operate(_ ledger: String, _ arguments: String..., input: String? = nil) throws
    -> Ended
  {
    try Shell.run("dispatch-ledger", arguments + ["-C", ledger], input: input)
  }

  private func remove(_ ledger: String) { try? FileManager.default.removeItem(atPath: ledger) }

  private func keys(_ ledger: String) throws -> String {
    try Shell.run(
      "/bin/sh", ["-c", "cat \"$0\"/keys/users/* \"$0\"/keys/users/.[!.]* 2>&-", ledger]
    )
    .output
  }

  private func isErased(_ ledger: String) throws -> Bool {
    try Shell.run("/usr/bin/grep", ["-rq", "user.erased.v1", ledger + "/log"]).status == 0
  }

  @Test("of an import: every line that is sealed in the log can be opened afterwards")
  func imports() throws {
    // More users in the file of u-1 and u-166, and a new file.
    let users = ["u-776", "u-1712", "u-5"].map {
      #"{"id":"\#($0)","name":"N","contacts":{"sms":"+15551234567"}}"#
    }
    let catalogue = #"{"users":[\#(users.joined(separator: ","))]}"#
    var count = 1
    while true {
      let (ledger, isKilled) = try killed(
        at: count, ["import", "-", "-q", "--key", "k"], input: catalogue)
      defer { remove(ledger) }
      // The same call is done once or answered; an import of what can be opened appends nothing.
      let again = try operate(ledger, "import", "-", "--key", "k", input: catalogue)
      #expect(again.status == 0, "call \(count): \(again.talk)")
      for (key, all) in [("new", catalogue), ("old", ErasureTests.catalogue)] {
        let same = try operate(ledger, "import", "-", "--key", key, input: all)
        #expect(same.output.contains("nothing had to be appended"), "call \(count): \(same.output)")
      }
      let doctor = try operate(ledger, "doctor")
      #expect(doctor.output.contains("every user has one"), "call \(count): \(doctor.output)")
      if !isKilled { break }
      count += 1
    }
    #expect(count > 30)
  }

  @Test("of an erasure: afterwards the user has its key and isn't erased, or is and has none")
  func erasures() throws {
    var count = 1
    var outcomes: Set<Bool> = []
    var keysLeftByKill = 0
    while true {
      let (ledger, isKilled) = try killed(
        at: count, ["erase", "u-1", "--reason", "r", "--yes", "-q"], input: nil)
      defer { remove(ledger) }
      let wasErased = try isErased(ledger)
      if wasErased, try keys(ledger).contains("u-1 ") { keysLeftByKill += 1 }
      // Whoever opens next.
      let next = try operate(ledger, "observe", "s", "1")
      #expect(next.status == 0, "call \(count): \(next.talk)")
      let isErased = try isErased(ledger)
      #expect(isErased || !wasErased)
      outcomes.insert(isErased)
      #expect(try keys(ledger).contains("u-1 ") != isErased, "call \(count)")
      let doctor = try operate(ledger, "doctor")
      #expect(doctor.output.contains("every user has one"), "call \(count): \(doctor.output)")
      let all =
        isErased
        ? ErasureTests.catalogue.replacingOccurrences(of: #""id":"u-1""#, with: #""id":"u-2""#)
        : ErasureTests.catalogue
      let same = try operate(ledger, "import", "-", "--key", "old", "--json", input: all)
      let results = try object(same.output)["results"] as? [[String: Any]]
      // Only the one who has come in the place of the erased one is new.
      #expect((results?.first?["users"] as? Int ?? 0) == (isErased ? 1 : 0), "call \(count)")
      if !isKilled { break }
      count += 1
    }
    #expect(count > 30)
    // A kill has come between the event and the key, or the test has shown nothing.
    #expect(outcomes == [true, false] && keysLeftByKill > 0)
  }
}
