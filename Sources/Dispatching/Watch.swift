import Bytes
import Events

/// Looks along the history for the next instant at which a condition is to fire (`FORMAT.md` §21).
///
/// It goes from one instant at which anything can change to the next: an observation begins to
/// count or grows stale, a window opens or closes, a duration is over. What it costs follows their
/// number.
struct Watch {
  let condition: Condition
  /// From when on it looks; nothing before counts.
  let start: Instant
  /// Whether it may fire at all before the condition has failed once.
  var isArmed = true
  /// How long the condition must have held.
  var holdFor: ISODuration?
  var staleAfter: ISODuration?
  var hysteresis: DecimalText?
  /// It doesn't fire before.
  var notBefore: Instant?
  var cap: Cap?

  /// Firings a day at most.
  struct Cap {
    let limit: Int
    let zone: ZoneRules
    /// How many there were, by day from 1970-01-01 on the zone's clocks.
    var fired: [Int64: Int] = [:]

    func allows(_ instant: Instant) -> Bool {
      fired[LocalClock(at: instant, in: zone).day, default: 0] < limit
    }
  }

  /// Where it stands once it has looked up to a time.
  enum Standing {
    case due(at: Instant, trace: [TraceStep])
    /// `next`: when something may change though nothing new is observed.
    case waiting(ComparisonResult, next: Instant?, trace: [TraceStep])
  }

  /// Looks up to `end`.
  ///
  /// - Parameter observations: Of each signal the one that counts at ``start``, then the later ones
  ///   in the order in which they begin to count.
  func look(
    until end: Instant, _ observations: [EntityID: [Observation]], _ zones: [ZoneName: ZoneRules]
  ) -> Standing {
    var reading = ConditionReading(now: start, zones: zones, staleAfter: staleAfter)
    var signals = condition.signals.map { Progress(signal: $0, list: observations[$0] ?? []) }
    let bounds = clockBounds(zones)
    var (isArmed, since) = (isArmed, nil as Instant?)
    while true {
      for index in signals.indices { signals[index].take(&reading) }
      let result = condition.evaluate(reading)
      if !isArmed {
        var wider = reading
        wider.margin = hysteresis
        isArmed = condition.evaluate(wider) == .fails
      }
      since = isArmed && result == .holds ? since ?? reading.now : nil
      var ready: Instant?
      if let since {
        let earliest = max(since.adding(seconds: holdFor?.seconds ?? 0), notBefore ?? since)
        if earliest > reading.now {
          ready = earliest
        } else if cap?.allows(reading.now) ?? true {
          return .due(at: reading.now, trace: condition.trace(reading))
        } else if let cap {
          ready = cap.zone.nextChange(after: reading.now, secondsOfDay: [0])
        }
      }
      let now = reading.now
      var next: Instant?
      func note(_ change: Instant?) {
        if let change, change > now, next.map({ change < $0 }) ?? true { next = change }
      }
      note(ready)
      for signal in signals { note(signal.next) }
      if let staleAfter {
        for observation in reading.observations.values {
          note(observation.at.adding(seconds: staleAfter.seconds).next)
        }
      }
      for bound in bounds {
        note(bound.zone.nextChange(after: now, secondsOfDay: bound.secondsOfDay))
      }
      guard let next, next <= end else {
        reading.now = max(end, now)
        return .waiting(
          condition.evaluate(reading), next: next, trace: condition.trace(reading))
      }
      reading.now = next
    }
  }

  /// How far along the observations of one signal it has looked.
  private struct Progress {
    let signal: EntityID
    let list: [Observation]
    private var place = 0

    init(signal: EntityID, list: [Observation]) {
      self.signal = signal
      self.list = list
    }

    /// When the next one begins to count.
    var next: Instant? { place < list.count ? list[place].countsFrom : nil }

    /// Takes in those that count now.
    mutating func take(_ reading: inout ConditionReading) {
      while place < list.count, list[place].countsFrom <= reading.now {
        let new = list[place]
        let isLatest =
          reading.observations[signal].map { ($0.at, $0.event) < (new.at, new.event) } ?? true
        if isLatest { reading.observations[signal] = new }
        place += 1
      }
    }
  }

  /// At which seconds of a day, on whose clocks, a window or a day begins or ends.
  private func clockBounds(
    _ zones: [ZoneName: ZoneRules]
  ) -> [(zone: ZoneRules, secondsOfDay: [Int])] {
    condition.tests.compactMap { test in
      switch test.subject {
      case .comparison: nil
      case .window(let window, let zone):
        zones[zone].map { ($0, [window.from, window.to % 86_400]) }
      case .days(_, let zone): zones[zone].map { ($0, [0]) }
      }
    }
  }
}

extension Instant {
  /// The next one that there is.
  fileprivate var next: Instant { Instant(microseconds: microseconds + 1) ?? self }
}

extension ZoneRules {
  /// The first instant after `instant` at which clocks show one of these seconds of a day, or are
  /// set; at most six hours later.
  func nextChange(after instant: Instant, secondsOfDay: [Int]) -> Instant {
    let second = floorDivide(instant.microseconds, 1_000_000).quotient
    let offset = offset(atSecond: second)
    let wall = floorDivide(second + Int64(offset), 86_400).remainder
    let span =
      secondsOfDay.map { floorDivide(Int64($0) - wall - 1, 86_400).remainder + 1 }
      .reduce(21_600) { min($0, $1) }
    var (low, high) = (second, second + span)
    if self.offset(atSecond: high) != offset {
      // The offset at `low` is the old one, at `high` it isn't.
      while high - low > 1 {
        let middle = low + (high - low) / 2
        if self.offset(atSecond: middle) == offset { low = middle } else { high = middle }
      }
    }
    return Instant(second: high) ?? instant
  }
}
