package import Bytes
package import Events

/// What the receipt of a call says of one command.
///
/// Made from events alone, so that a repeated key answers from the log what was answered first.
package enum ReceiptResult: Equatable, Sendable {
  case dispatch(DispatchResult)
  case catalogue(CatalogueResult)
  case signal(SignalResult)

  /// What a dispatch, or a change of one, came to.
  package struct DispatchResult: Equatable, Sendable {
    package enum Outcome: String, Sendable { case requested, rejected, ended, cancelled }

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
    package var templates = 0
    package var rules = 0
    /// Templates and rules that are no longer used.
    package var withdrawn = 0

    fileprivate static var counts: [WritableKeyPath<CatalogueResult, Int>] {
      [
        \.programs, \.eventTypes, \.userGroups, \.users, \.enrollments, \.withdrawals, \.optOuts,
        \.optIns, \.templates, \.rules, \.withdrawn,
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
            dispatchID: change.dispatchID, outcome: .cancelled, modification: change.modification))
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
      case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged,
        .ledgerTimeStamped, .ledgerArchived, .ledgerAttached, .ledgerDisposed, .ledgerExportIssued,
        .ledgerCorrectionRecorded:
        self = .tellsNothing
      case .programRetired, .marketEventTypeRetired, .userGroupRetired, .userErased,
        .legalHoldPlaced, .legalHoldReleased:
        self = .tellsNothing
      case .templatePublished: self = .counts(\.templates)
      case .rulePublished: self = .counts(\.rules)
      case .templateWithdrawn, .ruleWithdrawn: self = .counts(\.withdrawn)
      case .signalObserved(let observed):
        self = .observes(
          SignalResult(name: observed.name, value: observed.value, at: observed.at))
      case .dispatchScheduled(let scheduled): self = .schedules(scheduled.dispatchID)
      case .dispatchTriggered, .dispatchMissed, .dispatchModified,
        .notificationAttempted, .notificationDeferred, .notificationEscalated, .deliveryRecorded,
        .deliveryUnknown, .deliverySettled, .acknowledgementRecorded:
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
    if outcome == .ended || outcome == .cancelled {
      document["superseded"] = .integer(Int64(superseded))
    }
    return document
  }
}

extension ReceiptResult.CatalogueResult {
  var document: JSONObject {
    var document = JSONObject()
    document["outcome"] = "imported"
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
