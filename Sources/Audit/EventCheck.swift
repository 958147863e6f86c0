import Bytes
package import EventLog
import Events
import Merkle

/// Whether stored lines are the well-formed events that their places demand (`FORMAT.md` §4.2).
///
/// What `data` holds is `EVENTS.md`'s and isn't read; only event 0's is, which repeats the ledger's
/// identity. One check serves many lines, in the order of the log at best: it keeps what they
/// share.
package final class EventCheck {
  private let identity: LedgerIdentity
  private let origin: [UInt8]
  private var scanner = CanonicalScanner()
  /// The time of the commit that was asked for last, as its events spell it.
  private var time: (instant: Instant, text: [UInt8])?

  private static let types = Set(EventType.allCases.map(\.rawValue))

  package init(_ identity: LedgerIdentity) {
    self.identity = identity
    origin = Array(identity.origin.utf8)
  }

  /// Whether `line` is the event `id` of that commit.
  package func accepts(_ line: [UInt8], _ id: UInt64, of commit: CommitLine) -> Bool {
    guard let view = unsafe EnvelopeView(line.span.bytes, with: &scanner) else { return false }
    return spells(line[view.id], id) && line[view.source].elementsEqual(origin)
      && line[view.time].elementsEqual(text(of: commit.time))
      && (view.clock.map { isEarlier(line[$0], than: commit.time) } ?? true)
      && (!view.hasIdempotencyKey || id == commit.first)
      && Self.types.contains(String(decoding: line[view.type], as: UTF8.self))
      && (id != 0 || commit.time == identity.created && isBeginning(line))
  }

  private func text(of instant: Instant) -> [UInt8] {
    if let time, time.instant == instant { return time.text }
    let text = Array(instant.text.utf8)
    time = (instant, text)
    return text
  }

  private static let archived = Array(
    "\"type\":\"\(EventType.ledgerArchived.rawValue)\"}".utf8)

  /// What a well-formed line tells of an archive; `nil` where it tells of something else.
  package static func claim(_ line: [UInt8]) -> ArchiveClaim? {
    guard line.suffix(archived.count).elementsEqual(archived),
      let event = try? Event(decoding: line), case .ledgerArchived(let part) = event.payload,
      let root = Base64.decode(part.root.text.utf8).flatMap({ Digest(bytes: $0) })
    else { return nil }
    return ArchiveClaim(
      ends: part.segments.map { $0.segment + UInt64($0.events) }, end: part.last + 1, root: root,
      snapshot: part.snapshot.text)
  }

  /// Whether decimal digits without leading zeros are those of `number`.
  private func spells(_ digits: ArraySlice<UInt8>, _ number: UInt64) -> Bool {
    var rest = number
    for digit in digits.reversed() {
      guard UInt64(digit) == UInt64(UInt8(ascii: "0")) + rest % 10 else { return false }
      rest /= 10
    }
    return rest == 0
  }

  private func isEarlier(_ clock: ArraySlice<UInt8>, than time: Instant) -> Bool {
    Instant(text: clock).map { $0 < time } ?? false
  }

  /// Whether event 0 repeats what `LEDGER` says.
  private func isBeginning(_ line: [UInt8]) -> Bool {
    guard let event = try? Event(decoding: line), case .ledgerCreated(let created) = event.payload
    else { return false }
    return created.format == Int(LedgerIdentity.format)
      && sameBytes(created.ledgerID.text, identity.id.hex)
      && sameBytes(created.origin, identity.origin)
      && sameBytes(created.vkey, identity.verifierKey.text)
  }
}
