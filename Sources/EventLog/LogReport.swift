package import Bytes

/// Something in the log that can't be vouched for (`FORMAT.md` §7).
package struct Damage: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case missing, surplus, header, commit, root, seal, event, head, snapshot
  }

  package let kind: Kind
  /// The events concerned; empty where none is.
  package let ids: Range<UInt64>
  package let segment: UInt64
  /// Where in the segment it begins; for `head`, where the slot stands in that file.
  package let offset: UInt64
  /// Where reading went on in the same segment; `nil` where it didn't.
  package let resumedAt: UInt64?

  /// Whether it says something of the log's own lines, and not only of what an event says.
  package var breaksLog: Bool { kind != .event && kind != .surplus && kind != .snapshot }
}

/// What verifying found, in whole (`FORMAT.md` §7).
package struct LogReport: Hashable, Sendable {
  package let state: RecoveryState
  /// In the order in which it was met.
  package let damage: [Damage]
  /// The durable mark W.
  package let mark: UInt64
  /// How many events, from event 0 on, are whole and durable.
  package let size: UInt64
  /// The root of the tree of those.
  package let root: Digest
  /// How many whole events stand beyond the mark.
  package let notDurable: UInt64
  /// What follows the valid log, where nothing is damaged.
  package let tail: TailKind
  /// Where reading of the last segment ended, if not with a seal and not in damage: at fill, a tail, or its end.
  package let openEnd: LogPosition?

  /// How many events there are, whole or not, durable or not.
  package let count: UInt64

  /// How many events are vouched for by a root only, since they are archived; `nil` where none are.
  package let archived: UInt64?
  /// The SHA-256 of the snapshot that stands for them, in hex.
  package let snapshot: String?
  /// The paths of stream indexes that readers would take and that aren't what the log says, in order
  /// (`FORMAT.md` §31); only where hashes were made.
  package let indexes: [String]

  /// The report as every verifier prints it, without its newline.
  package func json(of ledger: LedgerIdentity) -> JSON {
    var object = JSONObject()
    object["archived"] = archived.map { .string(String($0)) }
    object["damage"] = .array(damage.map(\.json))
    object["durable"] = .string(String(mark))
    if !indexes.isEmpty { object["indexes"] = .array(indexes.map { .string($0) }) }
    object["ledger_id"] = .string(ledger.id.hex)
    object["not_durable"] = .string(String(notDurable))
    object["origin"] = .string(ledger.origin)
    object["root"] = .string(root.base64)
    object["size"] = .string(String(size))
    object["state"] = .string(state.rawValue)
    object["v"] = 1
    return .object(object)
  }
}

extension Damage {
  fileprivate var json: JSON {
    var object = JSONObject()
    if let last = ids.last {
      object["first"] = .string(String(ids.lowerBound))
      object["last"] = .string(String(last))
    }
    object["offset"] = .integer(Int64(offset))
    object["segment"] = .string(padded(segment, 16))
    object["what"] = .string(kind.rawValue)
    return .object(object)
  }
}

/// What an event tells of an archive, as far as a log that begins behind it is judged by it.
package struct ArchiveClaim: Hashable, Sendable {
  /// The ids after the last event of each of its segments.
  package let ends: [UInt64]
  /// The id after the last event that it is about.
  package let end: UInt64
  /// The root of all events up to there.
  package let root: Digest
  /// The SHA-256 of the snapshot, in hex.
  package let snapshot: String

  package init(ends: [UInt64], end: UInt64, root: Digest, snapshot: String) {
    self.ends = ends
    self.end = end
    self.root = root
    self.snapshot = snapshot
  }
}
