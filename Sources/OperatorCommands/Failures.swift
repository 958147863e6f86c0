import Bytes
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Ledger
import Platform
import Presentation

extension CommandFailure {
  private static let nothing = "nothing was appended"
  private static let uncopied = "nothing was copied"

  /// What a failure of the loop means to whoever called.
  init(_ error: LedgerError) {
    switch error {
    case .noLedger(let directory):
      self.init(
        .notFound, "there is no ledger in '\(directory)'", notDone: Self.nothing,
        hint: "'dispatch-ledger init -C DIR' makes one; -C or DISPATCH_LEDGER names another")
    case .exists(let directory):
      self.init(
        .exists, "'\(directory)' holds a ledger, or the log of one, already",
        stillGood: "it is as it was", notDone: "nothing was made",
        hint: "choose another directory with -C")
    case .badOrigin(let origin):
      self.init(
        .usage, "'\(origin)' can't name a ledger: 1 to 128 of A-Z a-z 0-9 . _ / -",
        notDone: "nothing was made")
    case .log(let error): self.init(error)
    case .file(let error): self.init(error)
    case .views(let error): self.init(error)
    case .locked(let milliseconds):
      self.init(
        .locked, "another process held the ledger for \(milliseconds / 1_000) seconds",
        notDone: Self.nothing, hint: "try again, or wait longer with --wait SECONDS")
    case .serverHolds: self = .serverHolds
    case .serverGone: self = .serverGone
    case .badServer: self = .badServer
    case .delivering: self = .delivering
    case .unexpectedSize(let expected, let found):
      self.init(
        .conflict, "the ledger has \(found) events, not \(expected)", notDone: Self.nothing,
        hint: "read what came meanwhile, then ask again with --expect \(found)")
    case .keyReused(let key, let first): self.init(reused: key, first)
    case .badKey(let key): self.init(badKey: key)
    case .unconfirmedKey(let key, let event): self.init(unconfirmed: key, event)
    case .notFound(let index, let reasons):
      self.init(.notFound, Self.text(reasons, index), notDone: Self.nothing)
    case .refused(let index, let reasons):
      self.init(.badInput, Self.text(reasons, index), notDone: Self.nothing)
    case .callTooLarge(let events, let bytes): self.init(callOf: events, bytes)
    case .zoneUnavailable(let zone):
      self.init(
        .configuration, "this system's zone database has no zone '\(zone.text)'",
        notDone: Self.nothing, hint: "install the package tzdata")
    case .unconfirmedAddress(let user, let event):
      self.init(
        .integrityViolation,
        "the views' address of user \(user.text) isn't what event \(event) says",
        stillGood: "nothing was sent to it", notDone: Self.nothing,
        hint: "'dispatch-ledger view rebuild' builds the views again")
    case .inconsistent(let reference):
      self.init(.ourBug, "an event refers to \(reference), which no event made")
    case .noRandomness:
      self.init(.unavailable, "the system gave no random numbers", notDone: Self.nothing)
    case .badKeyFile(let path): self.init(badKeys: path)
    case .untrustedKeys(let path): self.init(openKeys: path)
    case .untrusted(let path): self.init(untrusted: path)
    case .erasureUnfinished(let error): self.init(unfinishedErasure: CommandFailure(error))
    case .keysNotApart(let path): self.init(notApart: path)
    case .keyCopyExists(let path): self.init(keysAt: path)
    case .signing(let error): self.init(error)
    case .otherHistory(let size): self.init(otherHistory: size)
    case .exportKnown(let id, let event): self.init(exportKnown: id, event)
    case .archive(let error): self.init(error)
    case .archiving: self = .archiving
    case .isArchive(let directory): self.init(archive: directory)
    case .unreadableEvent(let id, let error):
      self.init(
        .integrityViolation, "event \(id) can't be read: \(error.text)", notDone: Self.nothing,
        hint: "a later release may know it; 'ledger-audit verify' says whether it is damaged")
    }
  }

  private init(badKeys path: String) {
    self.init(
      .configuration, "'\(path)' isn't a file of keys", stillGood: "the log isn't concerned",
      notDone: Self.nothing, hint: "put the file back from a backup of the keys")
  }

  private init(openKeys path: String) {
    self.init(
      .permission, "'\(path)' isn't a directory of yours that nobody else may enter",
      stillGood: "the log isn't concerned", notDone: Self.nothing,
      hint: "see who was in it, then 'chmod 0700' it as its owner")
  }

  private init(untrusted path: String) {
    self.init(
      .permission, "'\(path)' isn't yours alone to write, or isn't what it should be",
      stillGood: "nothing was changed", notDone: Self.nothing,
      hint: "'dispatch-ledger doctor' says why; see who changed it, then 'chmod go-w' it")
  }

  private init(notApart path: String) {
    self.init(
      .usage, "'\(path)' lies in a ledger, a backup of one, or its keys",
      notDone: Self.uncopied, hint: "keep the keys apart: choose a directory elsewhere")
  }

  private init(keysAt path: String) {
    self.init(
      .exists, "'\(path)' isn't empty", notDone: Self.uncopied,
      hint: "--incremental writes an older copy of the keys anew; or choose another directory")
  }

  private init(unfinishedErasure failure: CommandFailure) {
    self.init(
      failure.status, "the key couldn't be destroyed: \(failure.happened)",
      stillGood: "that the user is erased is durable, and nothing is sent to it any more",
      notDone: "its key may still be there",
      hint: "mend that: the next command that writes destroys it, and 'doctor' tells")
  }

  private static var serverHolds: CommandFailure {
    CommandFailure(
      .locked, "a server holds the ledger", notDone: Self.nothing,
      hint: "'dispatch-ledger status' names its process: stop it first")
  }

  private static var badServer: CommandFailure {
    CommandFailure(
      .unavailable, "what listens on serve.sock isn't a server that this program knows",
      notDone: Self.nothing, hint: "stop the server, or use programs of the same release")
  }

  private static var serverGone: CommandFailure {
    CommandFailure(
      .durabilityUnknown,
      "the server went away before it answered, so nobody knows whether the call is recorded",
      stillGood: "all that was acknowledged before is durable",
      hint: "repeat the call with the same --key: it answers what holds")
  }

  private static var delivering: CommandFailure {
    CommandFailure(
      .locked, "another process is delivering the notices of this ledger",
      notDone: "nothing was sent by this one", hint: "let it finish, or stop it first")
  }

  private init(otherHistory size: UInt64) {
    self.init(
      .integrityViolation, "the manifest's root isn't that of this ledger's first \(size) events",
      notDone: Self.nothing,
      hint: "the export or the ledger was altered; 'ledger-audit verify' tells of the ledger")
  }

  private init(exportKnown id: EntityID, _ event: EventID) {
    self.init(
      .conflict, "event \(event) has recorded another export as \(id.text)",
      notDone: Self.nothing, hint: "choose another --id")
  }

  private init(callOf events: Int, _ bytes: Int) {
    self.init(
      .badInput,
      "the call comes to \(events) events of \(bytes) bytes, and a commit holds 65536 of 8388608",
      notDone: Self.nothing,
      hint: "let --batch N divide it, or take a smaller N; nothing is done twice")
  }

  /// What keeps a checkpoint, a signature or a time stamp from being made or taken in.
  private init(_ error: SigningError) {
    switch error {
    case .signedMore(let signed, let found):
      self.init(
        .integrityViolation,
        "the ledger's key has signed \(signed) events, and the ledger has \(found)",
        stillGood: "these \(found) are as they were", notDone: "nothing was signed",
        hint: "an older copy was put back; bring the newer one, or 'repair --from' it")
    case .signedOther(let size):
      self.init(
        .integrityViolation,
        "the ledger's key has signed another history of the first \(size) events",
        notDone: "nothing was signed",
        hint: "one of two copies went on by itself, or events were altered; keep both")
    case .noCheckpoint:
      self.init(
        .notFound, "the ledger has no such checkpoint", notDone: Self.nothing,
        hint: "'dispatch-ledger checkpoint' signs one")
    case .noCosignature:
      self.init(
        .badInput,
        "these aren't signature lines, or they are of another checkpoint than the newest",
        notDone: "nothing was taken in", hint: "ask the witness again with the newest checkpoint")
    case .notCosigned:
      self.init(
        .answerIsNo, "nobody but the ledger has signed its newest checkpoint",
        notDone: "the key wasn't changed",
        hint: "take in a witness's answer with 'checkpoint --cosigned' first")
    case .timeStamp(let error):
      self.init(
        .badInput, "the answer isn't a time stamp that holds: \(Self.text(error))",
        notDone: Self.nothing)
    case .signerFailed(let failure):
      self.init(
        .unavailable, "the command that signs gave no signature: \(Self.text(failure))",
        stillGood: "all that was acknowledged is durable", notDone: "nothing was signed",
        hint: "it gets the message on standard input, and prints the signature in base64")
    }
  }

  private static func text(_ error: TimeStampError) -> String {
    switch error {
    case .malformed: "it isn't the form of one"
    case .refused(let status): "the authority refused, with status \(status)"
    case .otherDigest: "it is over something else than SHA-256 of a checkpoint's text"
    case .badSignature: "its signature doesn't hold"
    case .untrusted: "none of the given authorities vouches for who signed it"
    }
  }

  static func text(_ failure: SignerFailure) -> String {
    switch failure {
    case .ended(.exited(let status)): "it ended with status \(status)"
    case .ended(.killed(let signal)): "signal \(signal) ended it"
    case .ended(.timedOut): "it took longer than 30 seconds"
    case .ended(.tooMuch): "it printed more than a signature"
    case .notBase64: "what it printed isn't base64"
    case .otherKey: "what it printed isn't a signature under the ledger's key"
    }
  }

  private init(reused key: String, _ first: EventID) {
    self.init(
      .conflict, "the key '\(key)' was used for another call, which event \(first) begins",
      notDone: Self.nothing, hint: "choose another --key, or repeat that call unchanged")
  }

  private init(badKey key: String) {
    self.init(
      .usage,
      "'\(key)' can't be a call's key: 1 to 512 bytes of printable text that doesn't end in "
        + "/batch/ and ten digits", notDone: Self.nothing)
  }

  private init(unconfirmed key: String, _ event: EventID) {
    self.init(
      .integrityViolation, "the views say that event \(event) has the key '\(key)', and it hasn't",
      notDone: Self.nothing, hint: "'dispatch-ledger view rebuild' builds the views again")
  }

  private static func text(_ reasons: [RejectionReason], _ index: Int) -> String {
    let words = reasons.map { "\($0.message) (\($0.code.text))" }.joined(separator: "; ")
    return index == 0 ? words : "command \(index + 1): \(words)"
  }

  /// What a failure of the log means.
  init(_ error: LogError) {
    switch error {
    case .storage(let error): self.init(error)
    case .badIdentity:
      self.init(
        .badInput, "LEDGER isn't what a ledger's identity file is", notDone: Self.nothing,
        hint: "put it back from a backup; the log itself names the ledger in its first event")
    case .unknownFormat(let format):
      self.init(
        .badInput, "the ledger has format \(format), and this program knows format 1",
        notDone: Self.nothing, hint: "use a later release")
    case .needsRepair(let end): self.init(end)
    case .damaged(let ids, let segment, let offset):
      self.init(
        .integrityViolation,
        "events \(ids.lowerBound) to \(ids.upperBound - 1) can't be read: "
          + "\(LogPath.segment(segment)) is damaged at byte \(offset)",
        stillGood: "what stands elsewhere can still be read",
        hint: "'ledger-audit verify' tells all that is damaged; keep the files as they are")
    case .archived(let ids, let archive, let isDisposed):
      self.init(archived: ids, archive, isDisposed: isDisposed)
    case .badSnapshot(let path): self.init(badSnapshot: path)
    case .notWritten(let error):
      self.init(
        .inputOutput, "the commit couldn't be written: \(errnoText(error.code))",
        stillGood: "all that was acknowledged is durable", notDone: Self.nothing,
        hint: "make room or mend the disk, then repeat the call with the same --key")
    case .outcomeUnknown(let error):
      self.init(
        .durabilityUnknown,
        "\(error.operation.rawValue) failed (\(errnoText(error.code))), so nobody knows whether "
          + "the commit is durable",
        stillGood: "all that was acknowledged before is",
        hint: "repeat the call with the same --key: it answers what holds")
    case .commitTooLarge(let events, let bytes):
      self.init(.callTooLarge(events: events, bytes: bytes))
    case .eventTooLong(let bytes):
      self.init(
        .badInput, "an event would have \(bytes) bytes, and 65535 is the most",
        notDone: Self.nothing, hint: "shorten the texts and attributes of the request")
    case .writerStopped: self.init(.ourBug, "a writer was used after it had failed")
    case .copyExists:
      self.init(
        .exists, "a backup is there already", notDone: Self.uncopied,
        hint: "--incremental brings it up to date; or choose another directory")
    case .copyOfAnotherLedger(let origin):
      self.init(
        .badInput, "what is there is of another ledger, '\(origin)'", notDone: Self.uncopied,
        hint: "choose another directory")
    case .copyDiffers(let segment):
      self.init(
        .integrityViolation,
        "the backup holds what the ledger doesn't, in \(LogPath.segment(segment)) or before it",
        stillGood: "the backup is as it was, and may be the only good copy",
        notDone: Self.uncopied, hint: "'ledger-audit compare' names the event where they part")
    case .copyNotWhole(let report):
      self.init(
        .integrityViolation,
        "the copy doesn't verify, as what it was copied from doesn't: \(report.damage.count) damages",
        notDone: "the backup wasn't finished", hint: "'ledger-audit verify' names them")
    }
  }

  private init(_ end: LogEnd) {
    let place = "\(LogPath.segment(end.valid.segment)), byte \(end.valid.offset)"
    switch end.state {
    case .corrupt where end.isHeadAtOdds:
      self.init(
        .integrityViolation, "head tells of another log than the one in log/",
        stillGood: "nothing was changed", notDone: Self.nothing,
        hint: "one of the two was put back from a copy: find out which; 'ledger-audit verify'"
          + " tells more")
    case .corrupt:
      self.init(
        .integrityViolation,
        "the log is damaged at \(place), before events that were durable (\(end.mark) in all)",
        stillGood: "nothing was cut; what stands elsewhere can still be read",
        notDone: Self.nothing,
        hint: "'ledger-audit verify' names the events; keep the files as they are")
    case .lostTail:
      self.init(
        .integrityViolation,
        "the log ends after \(end.valid.size) events, and \(end.mark) were durable",
        stillGood: "events before its end are whole", notDone: Self.nothing,
        hint: "look for the missing files in a backup; write nothing in their place")
    case .headLost:
      self.init(
        .needsRepair, "head is lost, and bytes follow the log's last whole commit at \(place)",
        stillGood: "\(end.valid.size) events are whole", notDone: Self.nothing,
        hint: "put head back from a backup, or ask whoever knows what was acknowledged last")
    case .suspect:
      self.init(
        .needsRepair, "bytes at \(place) are not what a crash leaves",
        stillGood: "\(end.valid.size) events before them are whole", notDone: Self.nothing,
        hint: "keep a copy of the segment; an operator has to decide what the bytes are")
    case .torn, .clean: self.init(.ourBug, "a log that is \(end.state.rawValue) was refused")
    }
  }

  init(_ error: StorageError) {
    self.init(
      error.code == 13 || error.code == 1 ? .permission : .inputOutput,
      "\(error.operation.rawValue) of '\(error.path)' failed: \(errnoText(error.code))",
      notDone: Self.nothing)
  }

  init(_ error: PlatformError) {
    switch error {
    case .failed(let operation, let path, let code):
      let status: ExitStatus =
        switch code {
        case 2: .notFound
        case 1, 13: .permission
        default: .inputOutput
        }
      self.init(
        status, "\(operation.rawValue) of '\(path)' failed: \(errnoText(code))",
        notDone: Self.nothing)
    case .tooLarge(let path, let limit):
      self.init(
        .badInput, "'\(path)' has more than \(limit) bytes", notDone: Self.nothing)
    case .lineTooLong, .argumentNotText, .argumentsNotFound:
      self.init(.badInput, "\(error)", notDone: Self.nothing)
    }
  }
}
