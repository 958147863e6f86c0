package import Bytes
package import Events

/// A rule as it stands.
package struct StandingRule: Equatable, Sendable {
  /// The `rule.published` that holds.
  package var version: EventID
  package var publishedAt: Instant
  /// The event that withdrew it since, where one did.
  package var withdrawn: EventID?
  package var rule: RulePublished

  package init(
    version: EventID, publishedAt: Instant, withdrawn: EventID? = nil, rule: RulePublished
  ) {
    self.version = version
    self.publishedAt = publishedAt
    self.withdrawn = withdrawn
    self.rule = rule
  }
}

/// What became of a time at which a rule was to fire.
package struct Firing: Hashable, Sendable {
  /// The `dispatch.triggered` or `dispatch.missed`.
  package var event: EventID
  /// The `rule.published` that was to fire.
  package var version: EventID
  package var nominal: Instant
  package var dispatchID: EntityID
  /// Whether it fired; else it was missed.
  package var didFire: Bool

  package init(
    event: EventID, version: EventID, nominal: Instant, dispatchID: EntityID, didFire: Bool
  ) {
    self.event = event
    self.version = version
    self.nominal = nominal
    self.dispatchID = dispatchID
    self.didFire = didFire
  }
}

/// What a dispatch waits for.
package struct Schedule: Equatable, Sendable {
  /// The `dispatch.scheduled`; were there two, the first.
  package var event: EventID
  package var recordedAt: Instant
  package var scheduled: DispatchScheduled
  /// Absent while it waits.
  package var fate: Fate?

  /// How the waiting ended.
  package struct Fate: Hashable, Sendable {
    /// The `dispatch.triggered` or `dispatch.missed`, and its time.
    package var event: EventID
    package var recordedAt: Instant
    package var didFire: Bool

    package init(event: EventID, recordedAt: Instant, didFire: Bool) {
      self.event = event
      self.recordedAt = recordedAt
      self.didFire = didFire
    }
  }

  package init(
    event: EventID, recordedAt: Instant, scheduled: DispatchScheduled, fate: Fate? = nil
  ) {
    self.event = event
    self.recordedAt = recordedAt
    self.scheduled = scheduled
    self.fate = fate
  }
}

/// How late a schedule or a rule that doesn't say may still fire: 15 minutes.
func grace(_ given: ISODuration?) -> ISODuration {
  guard let grace = given ?? ISODuration("PT15M") else {
    fatalError("invariant broken: PT15M is no duration")
  }
  return grace
}
