import Bytes
import CommandLineInterface
import EventLog
package import Ledger
import Platform

/// What the commands of `dispatch-ledger` work in; golden ledgers are made in another one.
package struct OperatorWorld {
  /// The surroundings for an actor, or for the process's own where it is `nil`.
  package var surroundings: (_ actor: String?) -> Surroundings
  /// The ledger that the command opened, for what is done after its answer.
  private let opened = OpenedLedger()

  package init(surroundings: @escaping (String?) -> Surroundings) {
    self.surroundings = surroundings
  }

  /// This machine.
  package static var system: OperatorWorld { OperatorWorld { Surroundings.system(actor: $0) } }
}

typealias OperatorCommand = CommandEntry<OperatorWorld>

/// Options that every command of the program takes.
enum Global {
  static let ledger = Option(
    "ledger", "DIR", .text, default: ".", short: "C", environment: "DISPATCH_LEDGER",
    help: "The ledger's directory")
  static let actor = Option("actor", "NAME", .text, help: "Who asks, instead of user:LOGIN@HOST")
  static let wait = Option(
    "wait", "SECONDS", .integer(0...3_600), default: "10",
    help: "How long to wait for another process's commit")
  static let all: [any Declaration] = [
    ledger, actor, wait, StandardOption.json, StandardOption.quiet, StandardOption.color,
    StandardOption.noPager, StandardOption.help, StandardOption.version,
  ]
}

extension OperatorWorld {
  /// Opens the ledger that the options name; what it puts right on the way is told on standard
  /// error.
  func open(
    _ invocation: Invocation, _ notes: NoteBook
  ) throws(CommandFailure) -> Ledger {
    do {
      let ledger = try Ledger(
        LedgerPath(invocation[Global.ledger]),
        surroundings: surroundings(invocation[Global.actor]),
        patienceMilliseconds: invocation[Global.wait] * 1_000)
      ledger.tell = { notes.notes.append($0) }
      opened.ledger = ledger
      return ledger
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Signs a checkpoint of the ledger that the command opened, if any.
  ///
  /// That a signature fails doesn't fail the call, whose events are durable: the next call signs.
  func signAfterwards(_ session: inout Session) {
    // A server signs what it has appended, at most once a second.
    guard let ledger = opened.ledger, !ledger.isServed else { return }
    do throws(LedgerError) {
      try ledger.signCheckpoint()
    } catch {
      session.warn(
        "the events are durable, but no checkpoint was signed: \(CommandFailure(error).message)")
    }
  }
}

/// The ledger that one run of the program has opened.
private final class OpenedLedger {
  var ledger: Ledger?
}

extension OperatorCommand {
  /// The same command, after whose answer a checkpoint is signed.
  var signed: OperatorCommand {
    followed { _, world, session in world.signAfterwards(&session) }
  }
}

/// What a ledger told while a command ran, to be printed by whoever holds the session.
final class NoteBook {
  var notes: [LedgerNote] = []

  func print(to session: inout Session) {
    for note in notes { session.warn(note.text) }
    notes = []
  }
}

extension LedgerNote {
  var text: String {
    switch self {
    case .headRebuilt: "head was lost, and made again from the log, which is whole"
    case .adopted(let ids):
      "events \(ids.lowerBound) to \(ids.upperBound - 1) were whole but perhaps not durable; "
        + "they are now"
    case .quarantined(let path): "bytes that were cut or replaced lie in \(path)"
    case .viewsRebuilt: "the views were built again from the log"
    case .viewsBehind: "the events are durable; the views follow with the next call"
    }
  }
}

/// Runs what may fail with the loop's error.
func inLedger<Result>(
  _ body: () throws(LedgerError) -> Result
) throws(CommandFailure) -> Result {
  do { return try body() } catch { throw CommandFailure(error) }
}
