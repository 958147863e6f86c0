package import Bytes

/// Something in the log that can't be vouched for (`FORMAT.md` §7).
package struct Damage: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case missing, surplus, header, commit, root, seal, event, head
  }

  package let kind: Kind
  /// The events concerned; empty where none is.
  package let ids: Range<UInt64>
  package let segment: UInt64
  /// Where in the segment it begins; for `head`, where the slot stands in that file.
  package let offset: UInt64
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

  /// The report as every verifier prints it, without its newline.
  package func json(of ledger: LedgerIdentity) -> JSON {
    [
      "damage": .array(damage.map(\.json)),
      "durable": .string(String(mark)),
      "ledger_id": .string(ledger.id.hex),
      "not_durable": .string(String(notDurable)),
      "origin": .string(ledger.origin),
      "root": .string(root.base64),
      "size": .string(String(size)),
      "state": .string(state.rawValue),
      "v": 1,
    ]
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
