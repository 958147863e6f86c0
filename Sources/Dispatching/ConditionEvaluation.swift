package import Bytes
package import Events

/// What was observed of a signal.
package struct Observation: Hashable, Sendable {
  /// The `signal.observed`.
  package var event: EventID
  package var recordedAt: Instant
  /// When it was so.
  package var at: Instant
  package var value: DecimalText
  package var unit: String?

  package init(
    event: EventID, recordedAt: Instant, at: Instant, value: DecimalText, unit: String? = nil
  ) {
    self.event = event
    self.recordedAt = recordedAt
    self.at = at
    self.value = value
    self.unit = unit
  }

  /// From when on it counts: it is recorded, and its time has come.
  package var countsFrom: Instant { max(recordedAt, at) }
}

/// All that a condition is evaluated from, at one instant.
package struct ConditionReading {
  package var now: Instant
  /// Of each signal the observation that counts: the latest by its `at`, then by its event.
  package var observations: [EntityID: Observation] = [:]
  /// Without the rules of its zone a window has no data.
  let zones: [ZoneName: ZoneRules]
  /// How old an observation may be; absent: any age.
  let staleAfter: ISODuration?
  /// By how much bounds are moved so that the condition holds longer; not negative.
  package var margin: DecimalText?

  package init(now: Instant, zones: [ZoneName: ZoneRules] = [:], staleAfter: ISODuration? = nil) {
    self.now = now
    self.zones = zones
    self.staleAfter = staleAfter
  }

  /// Whether an observation is too old to count.
  func isStale(_ observation: Observation) -> Bool {
    guard let staleAfter else { return false }
    return observation.at.adding(seconds: staleAfter.seconds) < now
  }
}

extension Condition {
  /// What the condition comes to: three-valued logic after Kleene, where no-data is the unknown.
  package func evaluate(_ reading: ConditionReading) -> ComparisonResult {
    root.evaluate(reading, isNegated: false)
  }

  /// Each test as it comes out, in the order of the text.
  package func trace(_ reading: ConditionReading) -> [TraceStep] {
    tests.map { test in
      var step = TraceStep(comparison: test.text, result: test.evaluate(reading, isNegated: false))
      if case .comparison(let comparison) = test.subject {
        let observation = reading.observations[comparison.signal]
        step.signal = observation?.event
        step.value = observation?.value
      }
      return step
    }
  }
}

extension Condition.Node {
  /// `isNegated` is whether the node's falsehood makes the condition true: it turns the margin.
  func evaluate(_ reading: ConditionReading, isNegated: Bool) -> ComparisonResult {
    switch self {
    case .test(let test): return test.evaluate(reading, isNegated: isNegated)
    case .never: return .fails
    case .not(let inner):
      switch inner.evaluate(reading, isNegated: !isNegated) {
      case .holds: return .fails
      case .fails: return .holds
      case .noData: return .noData
      }
    case .and(let parts):
      let results = parts.map { $0.evaluate(reading, isNegated: isNegated) }
      if results.contains(.fails) { return .fails }
      return results.contains(.noData) ? .noData : .holds
    case .or(let parts):
      let results = parts.map { $0.evaluate(reading, isNegated: isNegated) }
      if results.contains(.holds) { return .holds }
      return results.contains(.noData) ? .noData : .fails
    }
  }
}

extension Condition.Test {
  func evaluate(_ reading: ConditionReading, isNegated: Bool) -> ComparisonResult {
    switch subject {
    case .comparison(let comparison):
      guard let observation = reading.observations[comparison.signal],
        !reading.isStale(observation), comparison.takes(observation.unit)
      else { return .noData }
      var value = ScaledDecimal(observation.value)
      if let margin = reading.margin {
        let margin = ScaledDecimal(margin)
        // Moving the value is moving the bound the other way.
        switch (comparison.relation, isNegated) {
        case (.less, false), (.atMost, false), (.greater, true), (.atLeast, true): value -= margin
        case (.less, true), (.atMost, true), (.greater, false), (.atLeast, false): value += margin
        case (.equal, _), (.unequal, _): break
        }
      }
      return comparison.relation.holds(value, ScaledDecimal(comparison.bound)) ? .holds : .fails
    case .window(let window, let zone):
      guard let local = reading.local(zone) else { return .noData }
      return window.contains(local.second) ? .holds : .fails
    case .days(let days, let zone):
      guard let local = reading.local(zone) else { return .noData }
      // 1970-01-01 was a Thursday.
      return days.contains(Int(floorDivide(local.day + 3, 7).remainder)) ? .holds : .fails
    }
  }
}

extension Condition.Comparison {
  /// Whether the bound can be compared with a value in this unit.
  func takes(_ unit: String?) -> Bool {
    guard let wanted = self.unit else { return true }
    return unit.map { sameBytes($0, wanted) } ?? false
  }
}

extension Condition.Relation {
  fileprivate func holds(_ value: ScaledDecimal, _ bound: ScaledDecimal) -> Bool {
    switch self {
    case .less: value < bound
    case .atMost: value <= bound
    case .greater: value > bound
    case .atLeast: value >= bound
    case .equal: value == bound
    case .unequal: value != bound
    }
  }
}

extension ConditionReading {
  /// Day (from 1970-01-01) and second of the day that clocks in a zone show now.
  fileprivate func local(_ zone: ZoneName) -> LocalClock? {
    zones[zone].map { LocalClock(at: now, in: $0) }
  }
}

/// What a clock shows.
struct LocalClock: Equatable {
  /// Days from 1970-01-01.
  let day: Int64
  /// From 0 to 86,399.
  let second: Int

  init(at instant: Instant, in rules: ZoneRules) {
    let second = floorDivide(instant.microseconds, 1_000_000).quotient
    let wall = floorDivide(second + Int64(rules.offset(at: instant)), 86_400)
    day = wall.quotient
    self.second = Int(wall.remainder)
  }
}
