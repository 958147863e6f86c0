package import Events

/// What is known of an attempt's outcome.
package enum AttemptFate: Hashable, Sendable {
  /// Nothing came back yet.
  case open
  /// Nobody knows, and somebody has to decide (`delivery.unknown`).
  case unknown
  /// A channel or provider said what became of it.
  case reported(OutcomeClass)
  /// Nobody knew, and it was decided.
  case settled(Settlement)

  /// Whether, as far as is known, the message goes its way or has arrived.
  package var isTold: Bool {
    switch self {
    case .reported(.accepted), .reported(.inTransit), .reported(.delivered): true
    case .settled(.delivered): true
    case .open, .unknown, .reported, .settled: false
    }
  }
}

extension AttemptFate: RawRepresentable {
  /// How many fates there are is how many words: `open`, `unknown`, an outcome, or `settled-`
  /// and a settlement.
  package var rawValue: String {
    switch self {
    case .open: "open"
    case .unknown: "unknown"
    case .reported(let outcome): outcome.rawValue
    case .settled(let decision): "settled-\(decision.rawValue)"
    }
  }

  /// All of them.
  package static let all: [AttemptFate] =
    [.open, .unknown] + OutcomeClass.allCases.map { .reported($0) }
    + Settlement.allCases.map { .settled($0) }

  package init?(rawValue: String) {
    guard let fate = Self.all.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = fate
  }
}

/// What an attempt's results, taken together, come to.
///
/// Results may repeat and come in any order. The final ones (delivered, undelivered, failed,
/// expired, cancelled) stand against those that say how far the message had come. Of two final ones
/// that contradict each other the one with the stronger evidence stands, of two equally strong ones
/// the first, and the contradiction is kept.
package struct AttemptStanding: Hashable, Sendable {
  package var fate: AttemptFate
  /// The strongest evidence that any result had.
  package var evidence: EvidenceStrength
  /// Whether one result said that it arrived, and another that it didn't.
  package var isContradicted: Bool

  package init(
    fate: AttemptFate = .open, evidence: EvidenceStrength = .none, isContradicted: Bool = false
  ) {
    self.fate = fate
    self.evidence = evidence
    self.isContradicted = isContradicted
  }

  /// Takes in a `delivery.recorded`.
  package mutating func report(_ outcome: OutcomeClass, evidence: EvidenceStrength) {
    defer { self.evidence = max(self.evidence, evidence) }
    let standing: OutcomeClass
    switch fate {
    case .open, .unknown, .settled(.resend), .settled(.abandon):
      fate = .reported(outcome)
      return
    case .settled(.delivered): standing = .delivered
    case .reported(let reported): standing = reported
    }
    switch (standing.isFinal, outcome.isFinal) {
    case (false, false):
      if standing == .accepted { fate = .reported(outcome) }
    case (false, true):
      fate = .reported(outcome)
    case (true, false):
      break
    case (true, true):
      if (standing == .delivered) != (outcome == .delivered) { isContradicted = true }
      if evidence > self.evidence { fate = .reported(outcome) }
    }
  }

  /// Takes in a `delivery.unknown`; a result that came before it says more.
  package mutating func lose() {
    if case .open = fate { fate = .unknown }
  }

  /// Takes in a `delivery.settled`; a result that came before it says more.
  package mutating func settle(_ decision: Settlement) {
    switch fate {
    case .open, .unknown, .settled: fate = .settled(decision)
    case .reported: break
    }
  }
}

extension OutcomeClass {
  /// Whether nothing but a contradiction can follow.
  var isFinal: Bool {
    switch self {
    case .accepted, .inTransit: false
    case .delivered, .undelivered, .failed, .expired, .cancelled: true
    }
  }
}
