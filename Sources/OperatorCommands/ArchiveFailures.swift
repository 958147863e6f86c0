import CommandLineInterface
import EventLog
import Events
import Ledger
import Presentation

extension CommandFailure {
  /// Why an archive can't be made, brought back or disposed of.
  init(_ error: ArchiveFailure) {
    let unchanged = "nothing was moved or destroyed"
    switch error {
    case .notThere(let directory):
      self.init(
        .notFound, "there is no finished archive in '\(directory)'", notDone: unchanged,
        hint: "'archive --before DATE \(directory)' finishes one that was interrupted")
    case .occupied(let directory):
      self.init(
        .exists, "'\(directory)' holds what isn't an archive's", stillGood: "it is as it was",
        notDone: unchanged, hint: "choose a directory that is empty or doesn't exist yet")
    case .recordedOtherwise(let directory):
      self.init(
        .integrityViolation,
        "what describes the archive in '\(directory)' isn't what this ledger recorded of it",
        stillGood: "the ledger is as it was", notDone: unchanged,
        hint: "look for another copy of the archive; 'list archive' tells what was recorded")
    case .notRecorded(let id):
      self.init(
        .notFound, "this ledger has recorded no archive '\(id.text)'", notDone: unchanged,
        hint: "'list archive' shows those that it has; is it another ledger's?")
    case .differs(let id, let segment, let isMissing):
      self.init(
        .integrityViolation,
        "\(LogPath.segment(segment)) of archive \(id.text) "
          + (isMissing ? "is missing" : "isn't what was recorded"),
        stillGood: "the ledger is as it was", notDone: unchanged,
        hint: "put the file back from another copy of the archive")
    case .unfinished(let id):
      self.init(
        .conflict, "archive \(id.text) isn't finished: the ledger holds some of its segments",
        notDone: unchanged,
        hint: "repeat the 'archive' or 'attach' with its directory that was interrupted")
    case .notNext(let id, let first):
      self.init(
        .conflict,
        "between archive \(id.text) and event \(first), where the ledger begins, lies another one",
        notDone: unchanged,
        hint: "attach the later archives first; 'list archive' shows them")
    case .disposed(let id, let event):
      self.init(
        .answerIsNo, "archive \(id.text) was disposed of, as event \(event) certifies",
        notDone: unchanged)
    case .isAttached(let id):
      self.init(
        .answerIsNo, "the ledger itself holds events of archive \(id.text)",
        notDone: unchanged,
        hint: "'archive' with its directory removes them here, once no longer needed")
    case .kept(let id, let obstacles):
      self.init(
        .answerIsNo, "\(obstacles.count) reasons keep archive \(id.text)", notDone: unchanged)
    }
  }

  /// Another process moves segments.
  static var archiving: CommandFailure {
    CommandFailure(
      .locked, "another process moves segments of this ledger", notDone: "nothing was appended",
      hint: "let it finish")
  }

  /// What should be a ledger is an archive.
  init(archive directory: String) {
    self.init(
      .notFound, "'\(directory)' is an archive, and no ledger to write into",
      notDone: "nothing was appended", hint: "-C names the ledger that it came from")
  }

  /// Events that are asked for lie in an archive.
  init(archived ids: Range<UInt64>, _ archive: String?, isDisposed: Bool) {
    self.init(
      .notFound, archivedText(ids, archive, isDisposed: isDisposed),
      stillGood: "the ledger vouches for them by their root", notDone: "nothing was appended",
      hint: isDisposed ? nil : "'dispatch-ledger attach DIR' brings the archive back")
  }

  /// A snapshot isn't what the log says.
  init(badSnapshot path: String) {
    self.init(
      .integrityViolation, "'\(path)' isn't the snapshot that the log names, or isn't there",
      stillGood: "the log isn't concerned", notDone: "nothing was appended",
      hint: "put it back from a backup, or from snapshot/ of the archive")
  }
}
