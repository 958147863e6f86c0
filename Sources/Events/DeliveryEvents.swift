package import Bytes

/// `delivery.recorded.v1`: what a channel or provider said about an attempt.
///
/// Results may repeat and come in any order; all are kept.
package struct DeliveryRecorded: EventData {
  package static let type = EventType.deliveryRecorded

  /// The `notification.attempted`.
  package var attempt: EventID
  package var dispatchID: EntityID
  /// What became of it, in our classes.
  package var outcome: OutcomeClass
  /// How strong the proof is.
  package var evidence: EvidenceStrength
  /// The provider's id of the message.
  package var providerID: String?
  /// The provider's own code, raw.
  package var code: String?
  /// Whether another try may help.
  package var isRetryable: Bool?
  /// Before when the provider doesn't want another try.
  package var retryAfter: Instant?
  /// When it happened, as the provider says.
  package var occurredAt: Instant?
  /// The provider's raw text, under the user's key.
  package var detail: SealedText?
  /// The `delivery.unmatched` that said so before the attempt's provider id was known.
  package var unmatched: EventID?

  package init(
    attempt: EventID, dispatchID: EntityID, outcome: OutcomeClass, evidence: EvidenceStrength,
    providerID: String? = nil, code: String? = nil, isRetryable: Bool? = nil,
    retryAfter: Instant? = nil, occurredAt: Instant? = nil, detail: SealedText? = nil,
    unmatched: EventID? = nil
  ) {
    self.attempt = attempt
    self.dispatchID = dispatchID
    self.outcome = outcome
    self.evidence = evidence
    self.providerID = providerID
    self.code = code
    self.isRetryable = isRetryable
    self.retryAfter = retryAfter
    self.occurredAt = occurredAt
    self.detail = detail
    self.unmatched = unmatched
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DeliveryRecorded {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    attempt = try reader.required("attempt")
    code = try reader.optional("code")
    detail = try reader.optional("detail")
    dispatchID = try reader.required("dispatch_id")
    evidence = try reader.required("evidence")
    occurredAt = try reader.optional("occurred_at")
    outcome = try reader.required("outcome")
    providerID = try reader.optional("provider_id")
    retryAfter = try reader.optional("retry_after")
    isRetryable = try reader.optional("retryable")
    unmatched = try reader.optional("unmatched")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("attempt", attempt)
    writer.set("code", code)
    writer.set("detail", detail)
    writer.set("dispatch_id", dispatchID)
    writer.set("evidence", evidence)
    writer.set("occurred_at", occurredAt)
    writer.set("outcome", outcome)
    writer.set("provider_id", providerID)
    writer.set("retry_after", retryAfter)
    writer.set("retryable", isRetryable)
    writer.set("unmatched", unmatched)
  }
}

/// `delivery.unmatched.v1`: a result from outside that fits no attempt, or more than one.
package struct DeliveryUnmatched: EventData {
  package static let type = EventType.deliveryUnmatched

  /// The attempt that it names; there is none of that id.
  package var attempt: EventID?
  /// What became of it, in our classes.
  package var outcome: OutcomeClass
  /// How strong the proof would be.
  package var evidence: EvidenceStrength
  /// The provider's id of the message.
  package var providerID: String?
  /// The provider's own code, raw.
  package var code: String?
  /// Whether another try may help.
  package var isRetryable: Bool?
  /// When it happened, as the provider says.
  package var occurredAt: Instant?
  /// The provider's raw text, under the ledger's key for orphans.
  package var detail: SealedText?

  package init(
    attempt: EventID? = nil, outcome: OutcomeClass, evidence: EvidenceStrength,
    providerID: String? = nil, code: String? = nil, isRetryable: Bool? = nil,
    occurredAt: Instant? = nil, detail: SealedText? = nil
  ) {
    self.attempt = attempt
    self.outcome = outcome
    self.evidence = evidence
    self.providerID = providerID
    self.code = code
    self.isRetryable = isRetryable
    self.occurredAt = occurredAt
    self.detail = detail
  }

  package var subject: Subject { .ledger }
}

extension DeliveryUnmatched {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    attempt = try reader.optional("attempt")
    code = try reader.optional("code")
    detail = try reader.optional("detail")
    evidence = try reader.required("evidence")
    occurredAt = try reader.optional("occurred_at")
    outcome = try reader.required("outcome")
    providerID = try reader.optional("provider_id")
    isRetryable = try reader.optional("retryable")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("attempt", attempt)
    writer.set("code", code)
    writer.set("detail", detail)
    writer.set("evidence", evidence)
    writer.set("occurred_at", occurredAt)
    writer.set("outcome", outcome)
    writer.set("provider_id", providerID)
    writer.set("retryable", isRetryable)
  }
}

/// `delivery.unknown.v1`: nobody knows whether an attempt reached anybody; it isn't repeated
/// silently.
package struct DeliveryUnknown: EventData {
  package static let type = EventType.deliveryUnknown

  /// The `notification.attempted`.
  package var attempt: EventID
  package var dispatchID: EntityID
  /// How the result was lost.
  package var reason: UnknownReason

  package init(attempt: EventID, dispatchID: EntityID, reason: UnknownReason) {
    self.attempt = attempt
    self.dispatchID = dispatchID
    self.reason = reason
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DeliveryUnknown {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    attempt = try reader.required("attempt")
    dispatchID = try reader.required("dispatch_id")
    reason = try reader.required("reason")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("attempt", attempt)
    writer.set("dispatch_id", dispatchID)
    writer.set("reason", reason)
  }
}

/// `delivery.settled.v1`: an unknown outcome was decided, by the program's policy or by an
/// operator.
package struct DeliverySettled: EventData {
  package static let type = EventType.deliverySettled

  /// The `notification.attempted`.
  package var attempt: EventID
  package var dispatchID: EntityID
  /// What was decided.
  package var decision: Settlement
  package var reason: String

  package init(attempt: EventID, dispatchID: EntityID, decision: Settlement, reason: String) {
    self.attempt = attempt
    self.dispatchID = dispatchID
    self.decision = decision
    self.reason = reason
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DeliverySettled {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    attempt = try reader.required("attempt")
    decision = try reader.required("decision")
    dispatchID = try reader.required("dispatch_id")
    reason = try reader.required("reason")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("attempt", attempt)
    writer.set("decision", decision)
    writer.set("dispatch_id", dispatchID)
    writer.set("reason", reason)
  }
}

/// `acknowledgement.recorded.v1`: an answer to one modification of a dispatch.
///
/// It says nothing of any other.
package struct AcknowledgementRecorded: EventData {
  package static let type = EventType.acknowledgementRecorded

  package var dispatchID: EntityID
  /// The modification that was answered.
  package var modification: Int
  package var userID: EntityID
  /// The answer to the call; absent: only that the notice was seen.
  package var opt: OptAnswer?
  /// When the answer was given.
  package var at: Instant
  /// What is unusual about it; mostly empty.
  package var marks: SortedSet<AcknowledgementMark>

  package init(
    dispatchID: EntityID, modification: Int, userID: EntityID, opt: OptAnswer? = nil, at: Instant,
    marks: SortedSet<AcknowledgementMark>
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.userID = userID
    self.opt = opt
    self.at = at
    self.marks = marks
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension AcknowledgementRecorded {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    at = try reader.required("at")
    dispatchID = try reader.required("dispatch_id")
    marks = try reader.required("marks")
    modification = try reader.required("modification")
    opt = try reader.optional("opt")
    userID = try reader.required("user_id")
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("at", at)
    writer.set("dispatch_id", dispatchID)
    writer.set("marks", marks)
    writer.set("modification", modification)
    writer.set("opt", opt)
    writer.set("user_id", userID)
  }
}
