import Bytes

/// The stream that an event belongs to: the thing it is about.
package enum Subject: Hashable, Sendable {
  case ledger
  case program(EntityID)
  case marketEventType(EntityID)
  case userGroup(EntityID)
  case user(EntityID)
  case template(EntityID)
  case rule(EntityID)
  case legalHold(EntityID)
  case signal(EntityID)
  case dispatch(EntityID)

  /// `dispatch/0192…`, or `ledger`.
  package var text: String {
    let (kind, id) = parts
    return id.map { "\(kind)\($0.text)" } ?? kind.description
  }

  /// Whether `text` is this subject's ``text``, without making that.
  func isSpelled(by text: RawSpan) -> Bool {
    let (kind, id) = parts
    let start = kind.utf8CodeUnitCount
    guard start <= text.byteCount, text.holds(kind, in: 0..<start) else { return false }
    guard let id else { return text.byteCount == start }
    return text.extracting(start..<text.byteCount).holds(id.text)
  }

  private var parts: (kind: StaticString, id: EntityID?) {
    switch self {
    case .ledger: ("ledger", nil)
    case .program(let id): ("program/", id)
    case .marketEventType(let id): ("market-event-type/", id)
    case .userGroup(let id): ("user-group/", id)
    case .user(let id): ("user/", id)
    case .template(let id): ("template/", id)
    case .rule(let id): ("rule/", id)
    case .legalHold(let id): ("legal-hold/", id)
    case .signal(let id): ("signal/", id)
    case .dispatch(let id): ("dispatch/", id)
    }
  }

  /// The subject that `text` names, or `nil`; the inverse of ``text``.
  package init?(_ text: String) {
    if text == "ledger" {
      self = .ledger
      return
    }
    guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")),
      let id = EntityID(String(text[text.utf8.index(after: slash)...]))
    else { return nil }
    switch text[..<slash] {
    case "program": self = .program(id)
    case "market-event-type": self = .marketEventType(id)
    case "user-group": self = .userGroup(id)
    case "user": self = .user(id)
    case "template": self = .template(id)
    case "rule": self = .rule(id)
    case "legal-hold": self = .legalHold(id)
    case "signal": self = .signal(id)
    case "dispatch": self = .dispatch(id)
    default: return nil
    }
  }
}
