package import Bytes
package import Events

/// What the receipt of a call says of one command.
///
/// Made from events alone, so that a repeated key answers from the log what was answered first.
package enum ReceiptResult: Equatable, Sendable {
  case dispatch(DispatchResult)
  case catalogue(CatalogueResult)
  case fact(FactResult)
  case signal(SignalResult)

  /// What a dispatch, or a change of one, came to.
  package struct DispatchResult: Equatable, Sendable {
    package enum Outcome: String, Sendable { case requested, rejected, modified, ended, cancelled }

    package var dispatchID: EntityID
    package var outcome: Outcome
    package var modification: Int?
    package var reasons: [RejectionReason] = []
    /// Known once the last chunk is recorded.
    package var totals: ResolutionTotals?
    package var isOpenEnded: Bool?
    package var isLate: Bool?
    package var isTest: Bool?
    /// The names of what was kept without being known.
    package var attributes: [String]?
    /// Notices of earlier modifications that are no longer sent.
    package var superseded = 0
    /// Whether it waits for a time or a condition.
    package var isScheduled = false
  }

  /// What was observed of a signal.
  package struct SignalResult: Equatable, Sendable {
    package var name: EntityID
    package var value: DecimalText
    package var at: Instant
  }

  /// One fact that was recorded: an answer, a settlement, a result, a correction, an erasure, a legal
  /// hold.
  package struct FactResult: Equatable, Sendable {
    package enum Outcome: String, Sendable {
      case acknowledged, settled, corrected, matched, unmatched, erased, held, released
    }

    package var outcome: Outcome
    /// What was recorded, as the receipt holds it.
    package var facts: JSONObject
    /// The dispatch that it is about, where there is one.
    package var dispatchID: EntityID?
    /// Notices that it made needless.
    package var suppressed = 0
  }

  /// How many events of each kind an import made.
  package struct CatalogueResult: Equatable, Sendable {
    package var programs = 0
    package var eventTypes = 0
    package var userGroups = 0
    package var users = 0
    package var enrollments = 0
    package var withdrawals = 0
    package var optOuts = 0
    package var optIns = 0
    package var retired = 0
    package var templates = 0
    package var rules = 0
    /// Templates and rules that are no longer used.
    package var withdrawn = 0

    fileprivate static var counts: [WritableKeyPath<CatalogueResult, Int>] {
      [
        \.programs, \.eventTypes, \.userGroups, \.users, \.enrollments, \.withdrawals, \.optOuts,
        \.optIns, \.retired, \.templates, \.rules, \.withdrawn,
      ]
    }
  }

  /// The results of a call from the events that it appended, in order; an import that changed
  /// nothing leaves none, and two imports behind each other are one.
  package static func all(of payloads: some Sequence<EventPayload>) -> [ReceiptResult] {
    var results: [ReceiptResult] = []
    for payload in payloads {
      switch (Role(of: payload), results.last) {
      case (.begins(let result), _): results.append(.dispatch(result))
      case (.states(let fact), _): results.append(.fact(fact))
      case (.suppresses(let dispatch), .fact(var fact)?) where dispatch == fact.dispatchID:
        fact.suppressed += 1
        results[results.count - 1] = .fact(fact)
      case (.observes(let result), _): results.append(.signal(result))
      case (.schedules(let dispatch), .dispatch(var result)?) where dispatch == result.dispatchID:
        result.isScheduled = true
        results[results.count - 1] = .dispatch(result)
      case (.resolves(let chunk), .dispatch(var result)?)
      where chunk.dispatchID == result.dispatchID:
        result.totals = chunk.totals ?? result.totals
        results[results.count - 1] = .dispatch(result)
      case (.suppresses(let dispatch), .dispatch(var result)?) where dispatch == result.dispatchID:
        result.superseded += 1
        results[results.count - 1] = .dispatch(result)
      case (.counts(let count), .catalogue(var result)?):
        result[keyPath: count] += 1
        results[results.count - 1] = .catalogue(result)
      case (.counts(let count), _):
        var result = CatalogueResult()
        result[keyPath: count] += 1
        results.append(.catalogue(result))
      case (.resolves, _), (.suppresses, _), (.schedules, _), (.tellsNothing, _): break
      }
    }
    return results
  }

  /// Puts the results of a call's next commit behind those of the ones before it.
  package static func add(_ more: [ReceiptResult], to results: inout [ReceiptResult]) {
    var more = more[...]
    if case .catalogue(var sum)? = results.last, case .catalogue(let next)? = more.first {
      for count in CatalogueResult.counts { sum[keyPath: count] += next[keyPath: count] }
      results[results.count - 1] = .catalogue(sum)
      more = more.dropFirst()
    }
    results += more
  }

  /// What an event means to a receipt.
  private enum Role {
    case begins(DispatchResult)
    case states(FactResult)
    case resolves(RecipientsResolved)
    case suppresses(EntityID)
    case schedules(EntityID)
    case observes(SignalResult)
    case counts(WritableKeyPath<CatalogueResult, Int>)
    case tellsNothing

    init(of payload: EventPayload) {
      switch payload {
      case .dispatchRequested(let request):
        self = .begins(
          DispatchResult(
            dispatchID: request.dispatchID, outcome: .requested, modification: 1,
            isOpenEnded: request.isOpenEnded, isLate: request.isLate, isTest: request.isTest,
            attributes: request.attributes?.members.map(\.key) ?? []))
      case .dispatchRejected(let rejected):
        self = .begins(
          DispatchResult(
            dispatchID: rejected.dispatchID, outcome: .rejected, reasons: rejected.reasons))
      case .dispatchEnded(let change):
        self = .begins(
          DispatchResult(
            dispatchID: change.dispatchID, outcome: .ended, modification: change.modification))
      case .dispatchCancelled(let change):
        self = .begins(
          DispatchResult(
            dispatchID: change.dispatchID, outcome: .cancelled, modification: change.modification,
            isLate: change.isLate))
      case .dispatchModified(let change):
        self = .begins(
          DispatchResult(
            dispatchID: change.dispatchID, outcome: .modified, modification: change.modification,
            isOpenEnded: change.isOpenEnded, isLate: change.isLate))
      case .acknowledgementRecorded(let answer): self = .states(FactResult(answer))
      case .recipientsResolved(let chunk): self = .resolves(chunk)
      case .notificationSuppressed(let suppressed): self = .suppresses(suppressed.dispatchID)
      case .programDefined: self = .counts(\.programs)
      case .marketEventTypeDefined: self = .counts(\.eventTypes)
      case .userGroupDefined: self = .counts(\.userGroups)
      case .userDefined: self = .counts(\.users)
      case .userEnrolled: self = .counts(\.enrollments)
      case .userWithdrawn: self = .counts(\.withdrawals)
      case .userOptedOut: self = .counts(\.optOuts)
      case .userOptedIn: self = .counts(\.optIns)
      case .programRetired, .marketEventTypeRetired, .userGroupRetired: self = .counts(\.retired)
      case .deliveryRecorded(let result): self = .states(FactResult(result))
      case .deliveryUnmatched(let result): self = .states(FactResult(result))
      case .deliverySettled(let settled): self = .states(FactResult(settled))
      case .ledgerCorrectionRecorded(let correction): self = .states(FactResult(correction))
      case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged,
        .ledgerTimeStamped, .ledgerArchived, .ledgerAttached, .ledgerDisposed, .ledgerExportIssued:
        self = .tellsNothing
        self = .tellsNothing
      case .userErased(let erased): self = .states(FactResult(erased))
      case .legalHoldPlaced(let hold): self = .states(FactResult(held: hold.id))
      case .legalHoldReleased(let hold): self = .states(FactResult(released: hold.id))
      case .templatePublished: self = .counts(\.templates)
      case .rulePublished: self = .counts(\.rules)
      case .templateWithdrawn, .ruleWithdrawn: self = .counts(\.withdrawn)
      case .signalObserved(let observed):
        self = .observes(
          SignalResult(name: observed.name, value: observed.value, at: observed.at))
      case .dispatchScheduled(let scheduled): self = .schedules(scheduled.dispatchID)
      case .dispatchTriggered, .dispatchMissed,
        .notificationAttempted, .notificationDeferred, .notificationEscalated, .deliveryUnknown:
        self = .tellsNothing
      }
    }
  }
}

extension ReceiptResult {
  /// The result as the receipt's `results` hold it; keys are only ever added.
  package var document: JSONObject {
    switch self {
    case .dispatch(let result): result.document
    case .catalogue(let result): result.document
    case .fact(let result): result.document
    case .signal(let result): result.document
    }
  }
}

extension ReceiptResult.DispatchResult {
  var document: JSONObject {
    var document = JSONObject()
    document["dispatch"] = .string(dispatchID.text)
    document["outcome"] = .string(outcome.rawValue)
    document["reasons"] = .array(reasons.map { .object($0.document) })
    document["modification"] = modification.map { .integer(Int64($0)) }
    document["recipients"] = totals.map { .integer(Int64($0.recipients)) }
    document["exclusions"] = totals.map { .integer(Int64($0.exclusions)) }
    document["open_ended"] = isOpenEnded.map { .bool($0) }
    document["late"] = isLate.map { .bool($0) }
    document["test"] = isTest.map { .bool($0) }
    document["attributes"] = attributes.map { .array($0.map { .string($0) }) }
    if isScheduled { document["scheduled"] = true }
    if [.modified, .ended, .cancelled].contains(outcome) {
      document["superseded"] = .integer(Int64(superseded))
    }
    return document
  }
}

extension ReceiptResult.FactResult {
  fileprivate init(_ answer: AcknowledgementRecorded) {
    outcome = .acknowledged
    dispatchID = answer.dispatchID
    facts = JSONObject()
    facts["dispatch"] = .string(answer.dispatchID.text)
    facts["modification"] = .integer(Int64(answer.modification))
    facts["user"] = .string(answer.userID.text)
    facts["opt"] = answer.opt.map { .string($0.rawValue) }
    facts["at"] = .string(answer.at.text)
    facts["marks"] = .array(answer.marks.map { .string($0.rawValue) })
  }

  fileprivate init(_ settled: DeliverySettled) {
    outcome = .settled
    dispatchID = settled.dispatchID
    facts = JSONObject()
    facts["attempt"] = .string(String(settled.attempt))
    facts["decision"] = .string(settled.decision.rawValue)
    facts["dispatch"] = .string(settled.dispatchID.text)
  }

  fileprivate init(_ result: DeliveryRecorded) {
    outcome = .matched
    dispatchID = result.dispatchID
    facts = JSONObject()
    facts["attempt"] = .string(String(result.attempt))
    facts["dispatch"] = .string(result.dispatchID.text)
    facts["evidence"] = .integer(Int64(result.evidence.rawValue))
    facts["result"] = .string(result.outcome.rawValue)
  }

  fileprivate init(_ result: DeliveryUnmatched) {
    outcome = .unmatched
    facts = JSONObject()
    facts["attempt"] = result.attempt.map { .string(String($0)) }
    facts["evidence"] = .integer(Int64(result.evidence.rawValue))
    facts["provider_id"] = result.providerID.map { .string($0) }
    facts["result"] = .string(result.outcome.rawValue)
  }

  fileprivate init(_ erased: UserErased) {
    outcome = .erased
    facts = JSONObject()
    facts["user"] = .string(erased.userID.text)
  }

  fileprivate init(_ correction: LedgerCorrectionRecorded) {
    outcome = .corrected
    facts = JSONObject()
    facts["event"] = .string(String(correction.event))
    facts["subject"] = .string(correction.eventSubject)
  }

  fileprivate init(held hold: EntityID) {
    outcome = .held
    facts = JSONObject([.init(key: "hold", value: .string(hold.text))])
  }

  fileprivate init(released hold: EntityID) {
    outcome = .released
    facts = JSONObject([.init(key: "hold", value: .string(hold.text))])
  }

  /// The fact in one line, for people.
  package var line: String {
    var parts = facts.members.map { member in
      let value: String =
        switch member.value {
        case .string(let text): text
        case .integer(let number): String(number)
        case .bool(let bool): bool ? "yes" : "no"
        case .array(let elements):
          elements.compactMap { if case .string(let text) = $0 { text } else { nil } }
            .joined(separator: ",")
        case .null, .object: ""
        }
      return value.isEmpty ? nil : "\(member.key) \(value)"
    }.compactMap { $0 }
    if suppressed > 0 { parts.append("\(suppressed) notice no longer sent") }
    return "\(outcome.rawValue): \(parts.joined(separator: "; "))"
  }

  var document: JSONObject {
    var document = facts
    document["outcome"] = .string(outcome.rawValue)
    if outcome == .acknowledged { document["suppressed"] = .integer(Int64(suppressed)) }
    return document
  }
}

extension ReceiptResult.CatalogueResult {
  /// Whether anything was defined; else only wishes, enrollments and retirements were recorded.
  private var isImport: Bool { programs + eventTypes + userGroups + users > 0 }

  /// What was recorded in one line, for people.
  package var line: String {
    if isImport {
      return "imported: \(programs) programs, \(eventTypes) event types, "
        + "\(userGroups) user groups, \(users) users, \(enrollments) enrollments, "
        + "\(optOuts) opt-outs"
    }
    let counts = [
      ("enrollment", enrollments), ("withdrawal", withdrawals), ("opt-out", optOuts),
      ("opt-in", optIns), ("retirement", retired),
    ]
    let parts = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)\($0.1 == 1 ? "" : "s")" }
    return "recorded: \(parts.joined(separator: ", "))"
  }

  var document: JSONObject {
    var document = JSONObject()
    document["outcome"] = isImport ? "imported" : "recorded"
    document["retired"] = retired > 0 ? .integer(Int64(retired)) : nil
    let counts = [
      ("programs", programs), ("event_types", eventTypes), ("user_groups", userGroups),
      ("users", users), ("enrollments", enrollments), ("withdrawals", withdrawals),
      ("opt_outs", optOuts), ("opt_ins", optIns),
    ]
    for (key, count) in counts { document[key] = .integer(Int64(count)) }
    for (key, count) in [("templates", templates), ("rules", rules), ("withdrawn", withdrawn)]
    where count > 0 {
      document[key] = .integer(Int64(count))
    }
    return document
  }
}

extension ReceiptResult.SignalResult {
  var document: JSONObject {
    JSONObject([
      .init(key: "at", value: .string(at.text)), .init(key: "outcome", value: "observed"),
      .init(key: "signal", value: .string(name.text)),
      .init(key: "value", value: .string(value.text)),
    ])
  }
}

extension RejectionReason {
  /// The reason as receipts and errors hold it.
  package var document: JSONObject {
    var document = JSONObject()
    document["code"] = .string(code.text)
    document["field"] = field.map { .string($0) }
    document["message"] = .string(message)
    return document
  }
}
