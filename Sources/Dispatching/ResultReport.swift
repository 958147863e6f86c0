package import Bytes
package import Events

/// What `result` needs to know: what somebody outside said of an attempt.
package struct ResultReport: Equatable, Sendable {
  /// The attempt that it names.
  package let attempt: EventID?
  /// The provider's id of the message; this or the attempt is there.
  package let providerID: String?
  package let report: ChannelReport
  /// The request as it was given.
  package let document: JSONObject

  static let fields = [
    "attempt", "provider_id", "outcome", "evidence", "code", "retryable", "at", "detail",
  ]
  static let idLimit = 512
  /// The most bytes of raw text that are kept.
  package static let detailLimit = 4_096

  package init(_ reading: FieldReading) throws(RequestError) {
    attempt = try reading.optionalEventID("attempt")
    providerID = try reading.optionalPrintable("provider_id", limit: Self.idLimit)
    guard attempt != nil || providerID != nil else {
      throw reading.failure("attempt or provider_id", .missing)
    }
    let outcome: OutcomeClass? = try reading.optionalWord("outcome")
    guard let outcome else { throw reading.failure("outcome", .missing) }
    report = ChannelReport(
      outcome: outcome, evidence: try reading.evidence() ?? outcome.usualEvidence,
      providerID: providerID,
      code: try reading.optionalPrintable("code", limit: Self.idLimit),
      isRetryable: try reading.optionalBool("retryable"),
      occurredAt: try reading.optionalInstant("at"), detail: try reading.detail())
    document = reading.object
  }

  /// The request that an unmatched result came from.
  package init(recordedAs result: DeliveryUnmatched) {
    attempt = result.attempt
    providerID = result.providerID
    report = ChannelReport(
      outcome: result.outcome, evidence: result.evidence, providerID: result.providerID,
      code: result.code, isRetryable: result.isRetryable, occurredAt: result.occurredAt,
      detail: result.detail?.text)
    document = JSONObject()
  }
}

extension OutcomeClass {
  /// How strong the proof is where whoever says so doesn't tell: what only a carrier can know counts
  /// as its word, and everything else as the provider's.
  package var usualEvidence: EvidenceStrength {
    switch self {
    case .accepted, .failed, .expired, .cancelled: .acceptedByProvider
    case .inTransit: .handedOver
    case .delivered, .undelivered: .confirmedByCarrier
    }
  }
}

extension FieldReading {
  fileprivate func optionalPrintable(_ key: String, limit: Int) throws(RequestError) -> String? {
    object[key] == nil ? nil : try printable(key, limit: limit)
  }

  /// No more than a carrier's word: what a person says is an acknowledgement.
  fileprivate func evidence() throws(RequestError) -> EvidenceStrength? {
    guard let json = optionalJSON("evidence") else { return nil }
    guard case .integer(let value) = json else {
      throw failure("evidence", .wrongKind(found: json.kind, expected: .integer))
    }
    guard let evidence = EvidenceStrength(rawValue: Int(value)), evidence <= .confirmedByCarrier
    else {
      throw failure(
        "evidence", .badValue(found: String(value), expected: .oneOf(["0", "1", "2", "3"])))
    }
    return evidence
  }

  /// A provider's raw text, whatever is in it: it is sealed, and never shown in an error.
  fileprivate func detail() throws(RequestError) -> String? {
    guard let text = try optionalString("detail") else { return nil }
    guard (1...ResultReport.detailLimit).contains(text.utf8.count) else {
      throw failure(
        "detail", .badValue(found: nil, expected: .bytes(limit: ResultReport.detailLimit)))
    }
    return text
  }
}

extension Decider {
  /// Decides `result`: what it says is recorded for the attempt that it names or whose provider's
  /// id it has; where there is none, or more than one, it is kept unmatched.
  package func decide(_ result: ResultReport) throws(Failure) -> Decision {
    if let attempt = try attempt(of: result) {
      return .accepted(try record(.reported(result.report), of: attempt))
    }
    let report = result.report
    let unmatched = DeliveryUnmatched(
      attempt: result.attempt, outcome: report.outcome, evidence: report.evidence,
      providerID: result.providerID, code: report.code, isRetryable: report.isRetryable,
      occurredAt: report.occurredAt,
      detail: report.detail.map { context.personalData.sealOrphan($0) })
    return .accepted([draft(.deliveryUnmatched(unmatched))])
  }

  private func attempt(of result: ResultReport) throws(Failure) -> EventID? {
    if let named = result.attempt {
      return try ask { state throws(State.Failure) in try state.attempt(named) }?.event
    }
    guard let id = result.providerID else { return nil }
    let found = try ask { state throws(State.Failure) in try state.attempts(withProviderID: id) }
    return found.count == 1 ? found[0] : nil
  }
}
