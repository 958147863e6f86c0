import Bytes
import CommandLineInterface
import EventLog
import Events
import Ledger
import Platform

/// Requests that others drop into the ledger's directory as files, for a worker that watches.
///
/// A file comes into `inbox/` by a rename, whole, and holds what `dispatch` or `append` takes. It moves to
/// `accepted/` with its receipt beside it, or to `refused/` with the receipt or error that says why. The
/// call's key is made from name and content: whatever happens in between, a file is never done twice,
/// and the same file dropped again is answered with the first receipt.
struct Inbox {
  static let directory = "inbox"
  private static let accepted = "accepted"
  private static let refused = "refused"
  /// Where files that were dropped lie, taken or not.
  static let directories = [directory, accepted, refused]
  /// Names that aren't whole files yet.
  private static let unfinished = [".tmp", ".part", ".new"]

  private let ledger: Ledger
  private let storage: FileStorage
  /// The same directory, for what others made: a link isn't followed, a FIFO isn't waited for.
  private let dropped: FileStorage

  init(of ledger: Ledger) throws(CommandFailure) {
    self.ledger = ledger
    do {
      let storage = try FileStorage.open(directory: ledger.path.directory)
      for name in [Self.directory, Self.accepted, Self.refused] {
        try storage.ensureDirectory(name)
      }
      self.storage = storage
      dropped = try FileStorage.openForReading(directory: ledger.path.directory)
    } catch {
      throw CommandFailure(.storage(error))
    }
  }

  /// Takes all files that are there, by name.
  ///
  /// What can't be done at the moment, since another process writes for long, stays for the next time; and
  /// what isn't a file that can be read stays where it is.
  ///
  /// - Returns: Whether any was taken.
  func takeAll() throws(LedgerError) -> Bool {
    let names: [String]
    do { names = try storage.list(Self.directory) } catch { throw .log(.storage(error)) }
    var isAnyTaken = false
    for name in names where !name.hasPrefix(".") && !Self.unfinished.contains(where: name.hasSuffix)
    {
      let path = "\(Self.directory)/\(name)"
      guard let size = try? dropped.open(path, for: .reading).size() else { continue }
      let digest: String
      let answer: Answer
      if size > UInt64(CallInput.limit) {
        digest = SHA256.hash(Array("\(name)\0\(size)".utf8)).hex
        answer = Self.tooLarge(size)
      } else {
        guard let bytes = try? dropped.read(path, limit: Int(size)) else { continue }
        digest = SHA256.hash(Array(name.utf8) + [0] + bytes).hex
        do {
          answer = try self.answer(to: bytes, key: "inbox/\(digest)")
        } catch {
          if case .locked = error { return isAnyTaken }
          throw error
        }
      }
      do { try move(name, digest, answer) } catch { throw .log(.storage(error)) }
      isAnyTaken = true
    }
    return isAnyTaken
  }

  private struct Answer {
    let isAccepted: Bool
    let document: JSON
  }

  private static func tooLarge(_ size: UInt64) -> Answer {
    let failure = CallInput.failure(
      "the file has \(size) bytes, and \(CallInput.limit) are the most")
    return Answer(isAccepted: false, document: failure.json(hint: failure.hint))
  }

  private func answer(to bytes: [UInt8], key: String) throws(LedgerError) -> Answer {
    let text: CallText
    do {
      text = try CallInput.dropped(bytes)
    } catch {
      return Answer(isAccepted: false, document: error.json(hint: error.hint))
    }
    do {
      let receipt = try ledger.submit(text.call, key: key)
      return Answer(isAccepted: !receipt.hasRejection, document: .object(receipt.document))
    } catch {
      switch error {
      case .notFound, .refused, .callTooLarge:
        let failure = CommandFailure(error)
        return Answer(isAccepted: false, document: failure.json(hint: failure.hint))
      default: throw error
      }
    }
  }

  /// Puts the answer where the file will lie, and then the file beside it.
  private func move(_ name: String, _ digest: String, _ answer: Answer) throws(StorageError) {
    let folder = answer.isAccepted ? Self.accepted : Self.refused
    var target = name
    if try storage.list(folder).contains(name) { target += ".\(digest.prefix(16))" }
    let text = answer.document.canonicalBytes + [UInt8(ascii: "\n")]
    try storage.replace("\(folder)/\(target).answer.json", with: text)
    try storage.rename("\(Self.directory)/\(name)", to: "\(folder)/\(target)")
    try storage.synchronizeDirectory(folder)
    try storage.synchronizeDirectory(Self.directory)
  }
}
