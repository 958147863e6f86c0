import Audit
import Bytes
import CommandLineInterface
import EventLog
import Platform

enum CompareCommand {
  static let first = Argument("A", .text, help: "A ledger's directory")
  static let second = Argument("B", .text, help: "Another copy of the same ledger")
  static let entry = AuditorCommand(
    "compare", "Say how two copies of a ledger stand to each other",
    details: """
      same, one the beginning of the other, or forked: then the first event that differs. Every
      durable event of both is read and compared, byte for byte; 'verify' says whether each is sound
      in itself. The exit status is 4 for a fork, and 65 where they are of two ledgers.
      """,
    examples: [
      Example("ledger-audit compare ledger /mnt/backup/dr", "Is the backup up to date?"),
      Example("ledger-audit compare mine theirs --json", "Were we shown the same history?"),
    ], takes: [first, second], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let archives = invocation[Global.with]
    let one = try AuditedLedger(directory: invocation[first], with: archives)
      .watched("compare", &session).reader()
    let other = try AuditedLedger(directory: invocation[second], with: archives).reader()
    let comparison: LogComparison
    do {
      comparison = try LogComparison(one, other)
    } catch {
      throw CommandFailure(.log(error))
    }
    let (word, event, text) = told(comparison, invocation[first], invocation[second])
    guard let word else {
      throw CommandFailure(
        .badInput,
        "they are two ledgers: \(one.identity.origin) (\(one.identity.id.hex)) and "
          + "\(other.identity.origin) (\(other.identity.id.hex))")
    }
    if session.wantsJSON {
      var document = JSONObject()
      document["comparison"] = .string(word)
      document["event"] = event.map { .string(String($0)) }
      document["sizes"] = [.string(String(one.size)), .string(String(other.size))]
      document["v"] = 1
      try session.print(json: document)
    } else {
      try session.print(text, style: event == nil ? .good : .bad)
    }
    return event == nil ? .done : .integrityViolation
  }

  /// The word for it, the event where they part, and a line for a person.
  private static func told(
    _ comparison: LogComparison, _ first: String, _ second: String
  ) -> (word: String?, event: UInt64?, text: String) {
    switch comparison {
    case .same(let size): ("same", nil, "same: both hold the same \(size) events")
    case .firstIsPrefix(let size):
      ("prefix", nil, "prefix: \(second) begins with the \(size) events of \(first), and goes on")
    case .secondIsPrefix(let size):
      (
        "extended", nil,
        "prefix: \(first) begins with the \(size) events of \(second), and goes on"
      )
    case .forked(let event):
      ("forked", event, "forked: event \(event) is another one in each")
    case .otherLedger: (nil, nil, "")
    }
  }
}
