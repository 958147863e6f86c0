import Bytes
package import EventLog
import Events
import Merkle

/// Whether stored lines are the well-formed events that their places demand (`FORMAT.md` §4.2).
///
/// What `data` holds is `EVENTS.md`'s and isn't read; only event 0's is, which repeats the ledger's
/// identity. One check serves many lines, in the order of the log at best: it keeps what they
/// share.
package final class EventCheck: EventJudge {
  private let identity: LedgerIdentity
  private var reader = EnvelopeReader()
  /// The time of the commit that was asked for last, and as its events spell it.
  private var time: Instant?
  private var timeText: [UInt8] = []
  /// That of the line that was accepted last.
  private var subject = 0..<0

  package init(_ identity: LedgerIdentity) {
    self.identity = identity
  }

  package func another() -> any EventJudge { anotherCheck() }
  func anotherCheck() -> EventCheck { EventCheck(identity) }

  package func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool {
    guard let view = view(of: line, id, of: commit)?.view else { return false }
    subject = view.subject
    return true
  }

  package func subject(of line: RawSpan) -> Range<Int>? { subject }

  /// What a line holds and its type, where it is well formed.
  func view(
    of line: RawSpan, _ id: UInt64, of commit: CommitLine
  ) -> (view: EnvelopeView, type: EventType)? {
    guard let view = reader.read(line), spells(line.extracting(view.id), id),
      line.extracting(view.source).holds(identity.origin),
      isTime(line.extracting(view.time), of: commit),
      view.clock.map({ isEarlier(line.extracting($0), than: commit.time) }) ?? true,
      !view.hasIdempotencyKey || id == commit.first,
      let type = EventType(line.extracting(view.type)),
      id != 0 || commit.time == identity.created && isBeginning(line)
    else { return nil }
    return (view, type)
  }

  /// Where texts of the data stand in the line that was looked at last, and gave this view.
  func texts(in line: RawSpan, _ view: EnvelopeView) -> DataTexts { reader.texts(in: line, view) }

  private func isTime(_ text: RawSpan, of commit: CommitLine) -> Bool {
    if time != commit.time {
      time = commit.time
      timeText.removeAll(keepingCapacity: true)
      commit.appendTime(to: &timeText)
    }
    let expected = timeText
    return unsafe text.holds(expected.span.bytes)
  }

  private static let archived = LineEnding(of: .ledgerArchived)
  private static let keyChanged = LineEnding(of: .ledgerKeyChanged)
  private static let timeStamped = LineEnding(of: .ledgerTimeStamped)

  /// Whether an event tells of an archive, or what signatures are judged by.
  package func isNotable(_ line: RawSpan) -> Bool {
    Self.archived.ends(line) || Self.keyChanged.ends(line) || Self.timeStamped.ends(line)
  }

  package func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim? {
    guard unsafe Self.archived.ends(line.span.bytes), let event = try? Event(decoding: line),
      case .ledgerArchived(let part) = event.payload,
      let root = Base64.decode(part.root.text.utf8).flatMap({ Digest(bytes: $0) })
    else { return nil }
    return ArchiveClaim(
      ends: part.segments.map { $0.segment + UInt64($0.events) }, end: part.last + 1, root: root,
      snapshot: part.snapshot.text)
  }

  /// Whether decimal digits without leading zeros are those of `number`.
  private func spells(_ digits: RawSpan, _ number: UInt64) -> Bool {
    var rest = number
    for index in (0..<digits.byteCount).reversed() {
      let digit = UInt64(UInt8(ascii: "0")) + rest % 10
      guard UInt64(digits.byte(at: index)) == digit else { return false }
      rest /= 10
    }
    return rest == 0
  }

  private func isEarlier(_ clock: RawSpan, than time: Instant) -> Bool {
    Instant(text: clock).map { $0 < time } ?? false
  }

  /// Whether event 0 repeats what `LEDGER` says.
  private func isBeginning(_ line: RawSpan) -> Bool {
    let line = unsafe line.withUnsafeBytes { unsafe Array($0) }
    guard let event = try? Event(decoding: line), case .ledgerCreated(let created) = event.payload
    else { return false }
    return created.format == Int(LedgerIdentity.format)
      && sameBytes(created.ledgerID.text, identity.id.hex)
      && sameBytes(created.origin, identity.origin)
      && sameBytes(created.vkey, identity.verifierKey.text)
  }
}

/// How the lines of a type of event end: `type` is the last member of a canonical event.
private struct LineEnding: Sendable {
  private let bytes: [UInt8]

  init(of type: EventType) { bytes = Array("\"type\":\"\(type.rawValue)\"}".utf8) }

  func ends(_ line: RawSpan) -> Bool {
    let rest = line.byteCount - bytes.count
    guard rest >= 0 else { return false }
    return unsafe line.extracting(rest..<line.byteCount).holds(bytes.span.bytes)
  }
}
