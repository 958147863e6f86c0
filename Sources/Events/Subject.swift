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
    switch self {
    case .ledger: "ledger"
    case .program(let id): "program/\(id.text)"
    case .marketEventType(let id): "market-event-type/\(id.text)"
    case .userGroup(let id): "user-group/\(id.text)"
    case .user(let id): "user/\(id.text)"
    case .template(let id): "template/\(id.text)"
    case .rule(let id): "rule/\(id.text)"
    case .legalHold(let id): "legal-hold/\(id.text)"
    case .signal(let id): "signal/\(id.text)"
    case .dispatch(let id): "dispatch/\(id.text)"
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
