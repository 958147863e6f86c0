import Bytes
import Dispatching
package import EventLog
package import Events
package import Merkle

/// The byte-stable text of all that happened to one dispatch (`FORMAT.md` §10).
package struct TransactionLog: Equatable, Sendable {
  package let dispatchID: EntityID
  /// Lines without their newlines.
  package private(set) var lines: [String] = []

  /// The text as it is printed and kept.
  package var text: String { lines.map { "\($0)\n" }.joined() }

  /// Makes the text from the events of the dispatch's stream, which aren't none, in the log's
  /// order.
  package init(
    of dispatchID: EntityID, _ events: [StoredEvent], in ledger: LedgerIdentity
  ) throws(AuditError) {
    guard let commit = events.last?.commit else {
      fatalError("invariant broken: a transaction log of no events")
    }
    try self.init(
      of: dispatchID, events.map { ($0.id, $0.line) },
      upTo: TreeHead(size: commit.end, root: commit.root), in: ledger)
  }

  /// Makes the text from the lines of the stream's events, which aren't none, in the log's order.
  ///
  /// - Parameter head: Of the tree after the commit that holds the last one.
  package init(
    of dispatchID: EntityID, _ lines: [(id: EventID, line: [UInt8])], upTo head: TreeHead,
    in ledger: LedgerIdentity
  ) throws(AuditError) {
    self.dispatchID = dispatchID
    var decoded: [(event: Event, envelope: Envelope)] = []
    for (id, line) in lines {
      do {
        let envelope = try Envelope(decoding: line)
        decoded.append((try envelope.event(), envelope))
      } catch {
        throw .unreadableEvent(id, error)
      }
    }
    self.lines = ["transaction-log 1", "ledger \(ledger.id.hex) \(ledger.origin)"]
    self.lines.append("dispatch \(dispatchID.text)")
    addHeader(decoded.map(\.event.payload))
    for entry in decoded { addEvent(entry.envelope) }
    addCounts(decoded.map(\.event))
    guard let first = lines.first, let last = lines.last else {
      fatalError("invariant broken: a transaction log of no events")
    }
    self.lines += [
      "first \(first.id)", "last \(last.id)", "size \(head.size)", "root \(head.root.base64)",
    ]
  }

  private mutating func addHeader(_ payloads: [EventPayload]) {
    for case .dispatchRequested(let request) in payloads {
      lines += [
        "program \(request.programID.text)", "event-type \(request.eventTypeID.text)",
        "kind \(request.isTest ? "TEST" : "REAL")", "start \(Self.text(request.start))",
        "end \(request.end.map(Self.text) ?? "open")",
      ]
      return
    }
    lines.append("rejected")
  }

  private static func text(_ moment: ZonedMoment) -> String {
    let seconds = abs(moment.offsetSeconds)
    var offset = "\(moment.offsetSeconds < 0 ? "-" : "+")\(padded(seconds / 3_600, 2))"
    offset += ":\(padded(seconds / 60 % 60, 2))"
    if seconds % 60 != 0 { offset += ":\(padded(seconds % 60, 2))" }
    return "\(moment.instant.text) \(offset) \(moment.zone.text)"
  }

  private mutating func addEvent(_ envelope: Envelope) {
    var line = "\(envelope.id) \(envelope.time.text) \(envelope.type)"
    if let actor = envelope.actor { line += " actor=\(SafeJSON.text(.string(actor)))" }
    if let clock = envelope.clock { line += " clock=\(clock.text)" }
    if let cause = envelope.causation { line += " cause=\(cause)" }
    if let decider = envelope.decider { line += " decider=\(decider)" }
    var beneath: [String] = []
    for member in envelope.data.members where !sameBytes(member.key, "dispatch_id") {
      let isResolution = envelope.type.utf8.starts(with: "recipients.resolved.".utf8)
      if isResolution, let word = Self.beneath[member.key], case .array(let entries) = member.value
      {
        beneath += entries.map { entry in
          guard case .object(let object) = entry else { return "  \(word) \(SafeJSON.text(entry))" }
          return "  \(word)" + Self.members(object)
        }
      } else {
        line += Self.members(JSONObject([member]))
      }
    }
    lines.append(line)
    // All recipients before all exclusions, whatever the order of the keys.
    lines += beneath.filter { $0.hasPrefix("  recipient") }
    lines += beneath.filter { $0.hasPrefix("  exclusion") }
  }

  private static let beneath = ["recipients": "recipient", "exclusions": "exclusion"]

  private static func members(_ object: JSONObject) -> String {
    object.members.map { " \(SafeJSON.key($0.key))=\(SafeJSON.text($0.value))" }.joined()
  }

  private mutating func addCounts(_ events: [Event]) {
    lines.append("counts")
    var state = MemoryState()
    var resolutions: [Int: (recipients: Int, exclusions: Int, notConsidered: Int?)] = [:]
    for event in events {
      state.apply(event)
      guard case .recipientsResolved(let chunk) = event.payload else { continue }
      var sum = resolutions[chunk.modification] ?? (0, 0, nil)
      sum.recipients += chunk.recipients.count
      sum.exclusions += chunk.exclusions.count
      sum.notConsidered = chunk.totals?.notConsidered ?? sum.notConsidered
      resolutions[chunk.modification] = sum
    }
    for (modification, sum) in resolutions.sorted(by: { $0.key < $1.key }) {
      let notices = state.notices(of: dispatchID, modification: modification)
      let escalated = notices.count - sum.recipients
      lines.append(
        "  modification \(modification) considered=\(sum.recipients + sum.exclusions) "
          + "recipients=\(sum.recipients) exclusions=\(sum.exclusions) "
          + "not_considered=\(sum.notConsidered.map(String.init) ?? "-")"
          + (escalated > 0 ? " escalated=\(escalated)" : ""))
      let counts = NoticeState.allCases.map { state in
        "\(state.rawValue)=\(notices.count { $0.standing.state == state })"
      }
      lines.append("  modification \(modification) \(counts.joined(separator: " "))")
    }
  }
}

/// Canonical JSON without anything that could move a terminal's cursor, and with `[sealed]` for
/// sealed texts.
private enum SafeJSON {
  static func key(_ key: String) -> String {
    let isPlain =
      !key.isEmpty
      && key.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || decimalValue(byte) != nil
          || byte == UInt8(ascii: "_")
      }
    return isPlain ? key : text(.string(key))
  }

  static func text(_ json: JSON) -> String {
    switch json {
    case .string(let text) where text.utf8.starts(with: SealedText.prefix.utf8): return "[sealed]"
    case .array(let elements): return "[\(elements.map(text).joined(separator: ","))]"
    case .object(let object):
      let members = object.members.map { "\(text(.string($0.key))):\(text($0.value))" }
      return "{\(members.joined(separator: ","))}"
    case .null, .bool, .integer, .string:
      let canonical = String(decoding: json.canonicalBytes, as: UTF8.self)
      var safe = ""
      for scalar in canonical.unicodeScalars {
        if isHarmful(scalar) {
          let digits = String(scalar.value, radix: 16)
          safe += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        } else {
          safe.unicodeScalars.append(scalar)
        }
      }
      return safe
    }
  }

  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x7F...0x9F, 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF,
      0xFFF9...0xFFFB:
      true
    default: false
    }
  }
}

// MARK: - Comparing

/// How a dispatch's text stands to an older one of it.
package enum Comparison: Equatable, Sendable {
  case same
  /// The older one's events begin the newer one.
  case extended
  /// Lines, counted from 1, with what the older and the newer text have there.
  case altered([Difference])

  package struct Difference: Equatable, Sendable {
    package let line: Int
    package let older: String?
    package let newer: String?
  }

  /// Compares two texts as `FORMAT.md` §10 says.
  package init(older: String, newer: String) {
    if sameBytes(older, newer) {
      self = .same
      return
    }
    let old = older.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let new = newer.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    // Only the closing part begins with this word: every other line begins with something else.
    guard let end = old.firstIndex(of: "counts") else {
      self = .altered(Self.differences(old, new))
      return
    }
    let body = old[..<end]
    if new.count > end, zip(body, new).allSatisfy({ sameBytes($0, $1) }),
      !sameBytes(new[end], "counts")
    {
      self = .extended
    } else {
      self = .altered(Self.differences(old, new))
    }
  }

  private static func differences(_ old: [String], _ new: [String]) -> [Difference] {
    (0..<max(old.count, new.count)).compactMap { index in
      let older = index < old.count ? old[index] : nil
      let newer = index < new.count ? new[index] : nil
      if let older, let newer, sameBytes(older, newer) { return nil }
      return Difference(line: index + 1, older: older, newer: newer)
    }
  }
}
