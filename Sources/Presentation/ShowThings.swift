package import Bytes
package import CommandLineInterface
import Dispatching
package import Events
package import Views

/// The kinds of thing that `show` and `list` know.
package enum Thing: String, CaseIterable, Sendable {
  case program, user, dispatch, template, rule, signal, hold, archive
  case eventType = "event-type"
  case userGroup = "user-group"
  /// A result from outside that fits no attempt, by the id of its event.
  case unmatchedResult = "unmatched-result"
}

/// Prints what the views hold, for people and as JSON; the same for both programs.
///
/// Names and addresses are sealed in the views, and stay so here: `[sealed]`.
package struct Presenter {
  let views: ViewStore
  /// The moment that phases are told for.
  private let now: Instant

  package init(_ views: ViewStore, now: Instant) {
    self.views = views
    self.now = now
  }

  /// Prints one thing.
  ///
  /// - Returns: False where nothing of the id was ever defined.
  package func show(
    _ thing: Thing, _ id: EntityID, _ session: inout Session
  ) throws(CommandFailure) -> Bool {
    let document: JSONObject?
    switch thing {
    case .program: document = try look { () throws(ViewError) in try program(id) }
    case .eventType: document = try look { () throws(ViewError) in try eventType(id) }
    case .userGroup: document = try look { () throws(ViewError) in try userGroup(id) }
    case .user: document = try look { () throws(ViewError) in try user(id) }
    case .unmatchedResult: document = try look { () throws(ViewError) in try unmatchedResult(id) }
    case .dispatch: document = try look { () throws(ViewError) in try dispatch(id) }
    case .template: document = try look { () throws(ViewError) in try template(id) }
    case .rule: document = try look { () throws(ViewError) in try rule(id) }
    case .signal: document = try look { () throws(ViewError) in try signal(id) }
    case .hold: document = try look { () throws(ViewError) in try hold(id) }
    case .archive: document = try look { () throws(ViewError) in try archive(id) }
    }
    guard var document else { return false }
    document["v"] = 1
    if session.wantsJSON {
      try session.print(json: document)
    } else {
      document["v"] = nil
      for line in lines(of: document) { try session.print(line) }
    }
    return true
  }

  /// Prints all things of a kind, by id.
  package func list(_ thing: Thing, _ session: inout Session) throws(CommandFailure) {
    let documents = try look { () throws(ViewError) in try all(thing) }
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: thing.rawValue, value: .array(documents.map { .object($0) })),
          .init(key: "v", value: 1),
        ]))
      return
    }
    var table = Table(.exact("ID"), .text("WHAT"))
    for document in documents {
      table.append(text(document["id"]), summary(document))
    }
    try session.print(table)
  }

  private func look<Result>(
    _ body: () throws(ViewError) -> Result
  ) throws(CommandFailure) -> Result {
    do { return try body() } catch { throw CommandFailure(error) }
  }

  private func all(_ thing: Thing) throws(ViewError) -> [JSONObject] {
    var documents: [JSONObject] = []
    switch thing {
    case .program:
      for found in try views.catalogue.programs.list() { documents.append(describe(found)) }
    case .eventType:
      for found in try views.catalogue.marketEventTypes.list() {
        documents.append(describe(found))
      }
    case .userGroup:
      for found in try views.catalogue.userGroups.list() { documents.append(describe(found)) }
    case .user:
      for row in try views.users.list() { documents.append(describe(row)) }
    case .unmatchedResult:
      for result in try views.attempts.unmatched() { documents.append(describe(result)) }
    case .dispatch:
      for row in try views.dispatches.list() { documents.append(try describe(row)) }
    case .template: documents = try allTemplates()
    case .rule: documents = try allRules()
    case .signal: documents = try allSignals()
    case .hold: documents = try allHolds()
    case .archive: documents = try allArchives()
    }
    return documents
  }

  // MARK: - Each kind

  private func program(_ id: EntityID) throws(ViewError) -> JSONObject? {
    try views.catalogue.programs.find(id).map(describe)
  }

  private func eventType(_ id: EntityID) throws(ViewError) -> JSONObject? {
    try views.catalogue.marketEventTypes.find(id).map(describe)
  }

  private func userGroup(_ id: EntityID) throws(ViewError) -> JSONObject? {
    try views.catalogue.userGroups.find(id).map(describe)
  }

  private func describe<Definition: Record>(_ found: Defined<Definition>) -> JSONObject {
    var document = recordObject(found.definition)
    document["version"] = .string(String(found.version))
    document["retired"] = found.retired.map { .string(String($0)) }
    return document
  }

  private func unmatchedResult(_ id: EntityID) throws(ViewError) -> JSONObject? {
    guard let event = EventID(eventID: id.text) else { return nil }
    return try views.attempts.unmatched().first { $0.event == event }.map(describe)
  }

  private func describe(_ result: UnmatchedResult) -> JSONObject {
    var document = recordObject(result.recorded)
    document["id"] = .string(String(result.event))
    return document
  }

  private func user(_ id: EntityID) throws(ViewError) -> JSONObject? {
    guard let row = try views.users.find(id) else { return nil }
    var document = describe(row)
    let programs = try views.enrollments.programs(of: id)
    document["enrolled_in"] = .array(
      programs.filter { enrollment in enrollment.intervals.contains { $0.contains(now) } }
        .map { .string($0.programID.text) })
    document["opt_outs"] = .array(
      try views.optOuts.of(id).map { optOut in
        var scope = JSONObject()
        scope["channel"] = optOut.channel.map { .string($0.text) }
        scope["program_id"] = optOut.programID.map { .string($0.text) }
        return .object(scope)
      })
    return document
  }

  private func describe(_ row: UserRow) -> JSONObject {
    var document = row.definition.map(recordObject) ?? JSONObject()
    document["id"] = .string(row.id.text)
    document["version"] = .string(String(row.version))
    document["erased"] = row.erased.map { .string(String($0)) }
    return document
  }

  private func dispatch(_ id: EntityID) throws(ViewError) -> JSONObject? {
    guard let row = try views.dispatches.find(id) else { return try rejected(id) }
    var document = try describe(row)
    var modifications: [JSON] = []
    for modification in try views.dispatches.modifications(of: id) {
      var object = JSONObject()
      object["event"] = .string(String(modification.event))
      object["modification"] = .integer(Int64(modification.number))
      object["recorded_at"] = .string(modification.recordedAt.text)
      object["recipients"] = .array(try recipients(of: id, modification.number))
      object["exclusions"] = .array(
        try views.resolutions.exclusions(of: id, modification: modification.number).map {
          .object(exclusionObject($0))
        })
      modifications.append(.object(object))
    }
    document["modifications"] = .array(modifications)
    document["schedule"] = try schedule(of: id).map { .object($0) }
    return document
  }

  private func rejected(_ id: EntityID) throws(ViewError) -> JSONObject? {
    let rejections = try views.dispatches.rejections(of: id)
    guard let rejection = rejections.last else { return nil }
    var document = JSONObject()
    document["id"] = .string(id.text)
    document["phase"] = "rejected"
    document["reasons"] = .array(rejection.rejected.reasons.map { .object($0.document) })
    document["recorded_at"] = .string(rejection.recordedAt.text)
    return document
  }

  private func describe(_ row: DispatchRow) throws(ViewError) -> JSONObject {
    let program = try views.catalogue.programs.find(row.programID)
    var document = JSONObject()
    document["id"] = .string(row.id.text)
    document["program_id"] = .string(row.programID.text)
    document["event_type_id"] = .string(row.eventTypeID.text)
    document["test"] = .bool(row.isTest)
    document["modification"] = .integer(Int64(row.modification))
    document["start"] = .string(row.start.text)
    document["end"] = row.end.map { .string($0.text) }
    document["open_ended"] = .bool(row.end == nil)
    if let program {
      let phase = DispatchPhase(
        start: row.start, end: row.end, isCancelled: row.cancelled != nil,
        leadTime: program.definition.leadTime, now: now)
      document["phase"] = .string(phase.rawValue)
    }
    let counts = try views.notices.counts(of: row.id, modification: row.modification)
    var notices = JSONObject()
    for state in NoticeState.allCases where counts[state] > 0 {
      notices[state.rawValue] = .integer(Int64(counts[state]))
    }
    document["notices"] = .object(notices)
    return document
  }

  private func recipients(
    of dispatch: EntityID, _ modification: Int
  ) throws(ViewError) -> [JSON] {
    var recipients: [JSON] = []
    for notice in try views.notices.list(of: dispatch, modification: modification) {
      var object = JSONObject()
      object["user"] = .string(notice.key.userID.text)
      object["channels"] = .array(notice.channels.map { .string($0.text) })
      object["state"] = .string(notice.standing.state.rawValue)
      object["channel"] = notice.standing.channel.map { .string($0.text) }
      object["reason"] = notice.standing.reason.map { .string($0.rawValue) }
      object["attempts"] = .integer(Int64(notice.standing.attempts))
      object["evidence"] = .integer(Int64(notice.standing.evidence.rawValue))
      recipients.append(.object(object))
    }
    return recipients
  }

  private func exclusionObject(_ exclusion: Exclusion) -> JSONObject {
    var object = JSONObject()
    object["user"] = .string(exclusion.userID.text)
    object["reason"] = .string(exclusion.reason.rawValue)
    object["detail"] = exclusion.detail.map { .string($0) }
    return object
  }

  /// A record as JSON, with `[sealed]` for what is sealed.
  func recordObject(_ record: some Record) -> JSONObject {
    guard let json = try? JSON(parsing: record.canonicalBytes), case .object(let object) = json
    else { return JSONObject() }
    return hidingSealed(object)
  }
}

/// The object with `[sealed]` in place of every sealed text.
private func hidingSealed(_ object: JSONObject) -> JSONObject {
  JSONObject(object.members.map { .init(key: $0.key, value: hidingSealed($0.value)) })
}

private func hidingSealed(_ json: JSON) -> JSON {
  switch json {
  case .string(let text) where text.utf8.starts(with: SealedText.prefix.utf8): "[sealed]"
  case .array(let elements): .array(elements.map(hidingSealed))
  case .object(let object): .object(hidingSealed(object))
  case .null, .bool, .integer, .string: json
  }
}

// MARK: - As text

/// Lines that show an object: a member a line, what it holds indented beneath it.
private func lines(of object: JSONObject, indent: String = "") -> [String] {
  object.members.flatMap { member -> [String] in
    switch member.value {
    case .object(let inner) where !inner.members.isEmpty:
      ["\(indent)\(member.key):"] + lines(of: inner, indent: indent + "  ")
    case .array(let elements)
    where elements.contains { if case .object = $0 { true } else { false } }:
      ["\(indent)\(member.key):"]
        + elements.flatMap { element -> [String] in
          guard case .object(let inner) = element else { return ["\(indent)  - \(text(element))"] }
          let isFlat = inner.members.allSatisfy { member in
            if case .array(let parts) = member.value {
              !parts.contains { if case .object = $0 { true } else { false } }
            } else {
              true
            }
          }
          return isFlat
            ? ["\(indent)  - \(summary(inner))"]
            : ["\(indent)  -"] + lines(of: inner, indent: indent + "    ")
        }
    default: ["\(indent)\(member.key): \(text(member.value))"]
    }
  }
}

private func summary(_ object: JSONObject) -> String {
  object.members.filter { $0.key != "id" }.map { "\($0.key)=\(text($0.value))" }
    .joined(separator: " ")
}

private func text(_ json: JSON?) -> String {
  switch json {
  case nil, .null?: "-"
  case .bool(let value)?: value ? "yes" : "no"
  case .integer(let value)?: String(value)
  case .string(let value)?: value
  case .array(let elements)?:
    elements.isEmpty ? "-" : elements.map { text($0) }.joined(separator: ",")
  case .object(let object)?: object.members.isEmpty ? "-" : summary(object)
  }
}

extension CommandFailure {
  /// Why the views couldn't answer.
  package init(_ error: ViewError) {
    switch error.remedy {
    case .wait:
      self.init(
        .locked, "another process keeps the views busy", stillGood: "the log isn't concerned",
        hint: "try again")
    case .rebuild:
      self.init(
        .inputOutput, "the views can't be read: \(error)", stillGood: "the log isn't concerned",
        hint: "'dispatch-ledger view rebuild' builds them again from the log")
    case .mendSystem:
      self.init(
        .inputOutput, "the views can't be read or written: \(error)",
        stillGood: "the log isn't concerned",
        hint: "look at the disk's space and the permissions of index/")
    }
  }
}
