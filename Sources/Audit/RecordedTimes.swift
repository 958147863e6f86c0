import Bytes
package import Dispatching
package import Events
import Synchronization

/// The zone database of whoever rechecks: never asked for a decision, only for notes.
///
/// Any thread may ask.
package final class TodaysZones {
  package let tzdata: String
  private let find: (ZoneName) -> ZoneRules?
  private let known = Mutex<[ZoneName: ZoneRules?]>([:])

  /// - Parameter find: The rules of a zone, or `nil` where the database doesn't know it; asked once
  ///   for each.
  package init(tzdata: String, find: @escaping (ZoneName) -> ZoneRules?) {
    self.tzdata = tzdata
    self.find = find
  }

  func rules(of zone: ZoneName) -> ZoneRules? {
    known.withLock { known in
      if let rules = known[zone] { return rules }
      let rules = find(zone)
      known[zone] = .some(rules)
      return rules
    }
  }
}

/// What typed times were taken to mean when a request was decided, as its event tells.
struct RecordedTimes {
  /// The fields of a request that hold times.
  static let start = "start_time"
  static let end = "end_time"
  static let execution = "execute_at"

  /// What a text was taken to mean, where the event says; in whichever zone the program has.
  let meaning: (_ time: TypedTime, _ field: String, _ zone: ZoneName) -> TypedTime.Meaning?

  /// Of an accepted request or modification: the moments that it holds, in the zone that is asked; and
  /// the one that it waits for.
  init(_ start: ZonedMoment, _ end: ZonedMoment?, waiting scheduled: DispatchScheduled? = nil) {
    meaning = { time, field, zone in
      let moment =
        switch field {
        case Self.start: start
        case Self.execution: scheduled?.executeAt
        default: end
        }
      guard let moment else { return nil }
      return .moment(
        ZonedMoment(
          instant: moment.instant, zone: zone, text: time.text,
          offsetSeconds: moment.offsetSeconds, tzdata: moment.tzdata, fold: moment.fold))
    }
  }

  /// Of a rejected one: what its reasons say of its times; of the others nothing is kept, so they
  /// mean something that fits the reasons wherever any zone's clocks make that possible.
  init(of rejected: DispatchRejected, _ request: DispatchRequest) {
    let isEndFirst = Self.reason(.endBeforeStart, Self.end, in: rejected.reasons) != nil
    let isMixed = request.end.map { $0.isLocal != request.start.isLocal } ?? false
    self.init(of: rejected, fold: request.fold) { field in
      // The furthest that clocks can stand from UTC, either way, where a local time is compared
      // with an instant.
      let furthest = ZonedMoment.offsets.upperBound
      return !isMixed ? 0 : (field == Self.end) == isEndFirst ? furthest : -furthest
    }
  }

  /// Of a rejected command whose local times were taken to be so many seconds east of UTC, unless
  /// its reasons say that they are none or two.
  init(of rejected: DispatchRejected, fold: Fold?, offset: @escaping (_ field: String) -> Int) {
    let reasons = rejected.reasons
    meaning = { time, field, zone in
      guard case .local(let civil) = time.reading else { return nil }
      if Self.reason(.timeInGap, field, in: reasons) != nil { return .gap }
      if fold == nil, let reason = Self.reason(.timeAmbiguous, field, in: reasons),
        let (first, second) = Self.occurrences(of: civil, in: reason.message)
      {
        return .ambiguous(first: first, second: second)
      }
      let offset = offset(field)
      guard let instant = Self.instant(of: civil, offset) else { return nil }
      return .moment(
        ZonedMoment(
          instant: instant, zone: zone, text: time.text, offsetSeconds: offset, tzdata: ""))
    }
  }

  private static func reason(
    _ code: RejectionCode, _ field: String, in reasons: [RejectionReason]
  ) -> RejectionReason? {
    reasons.first { $0.code == code.word && $0.field.map { sameBytes($0, field) } ?? false }
  }

  /// The two instants that the message of an ambiguous time names, where clocks could show the time
  /// at both.
  private static func occurrences(
    of civil: CivilTime, in message: String
  ) -> (first: Instant, second: Instant)? {
    var found: [Instant] = []
    let bytes = Array(message.utf8)
    var index = 0
    while index + Instant.textLength <= bytes.count {
      if let instant = Instant(text: bytes[index..<index + Instant.textLength]) {
        found.append(instant)
        index += Instant.textLength
      } else {
        index += 1
      }
    }
    guard found.count == 2, found[0] < found[1],
      found.allSatisfy({ instant in
        let offset = civil.secondsFromEpoch * 1_000_000 - instant.microseconds
        return ZonedMoment.offsets.contains(Int(offset / 1_000_000)) && offset % 1_000_000 == 0
      })
    else { return nil }
    return (found[0], found[1])
  }

  private static func instant(of civil: CivilTime, _ offsetSeconds: Int) -> Instant? {
    Instant(microseconds: (civil.secondsFromEpoch - Int64(offsetSeconds)) * 1_000_000)
  }

  /// Why a moment can't be what its text says, whatever a zone's clocks show; or `nil`.
  static func problem(of moment: ZonedMoment, _ field: String) -> String? {
    guard let time = TypedTime(moment.text) else { return "the text of \(field) is no time" }
    switch time.reading {
    case .instant(let instant):
      if instant != moment.instant { return "\(field) isn't the instant that its text says" }
      if moment.fold != nil { return "\(field) is an instant by itself, and has a fold" }
    case .local(let civil):
      if instant(of: civil, moment.offsetSeconds) != moment.instant {
        return "the text of \(field) and its offset don't come to its instant"
      }
    }
    return nil
  }

  /// What today's database says otherwise of a moment; or `nil`.
  static func otherwise(
    _ moment: ZonedMoment, _ field: String, _ zones: TodaysZones
  ) -> String? {
    guard let time = TypedTime(moment.text) else { return nil }
    guard let rules = zones.rules(of: moment.zone) else {
      return "today's zone database \(zones.tzdata) has no zone \(moment.zone.text)"
    }
    let today = time.meaning(
      in: moment.zone, rules: rules, tzdata: moment.tzdata, fold: moment.fold)
    if case .moment(let other) = today, other.instant == moment.instant,
      other.offsetSeconds == moment.offsetSeconds
    {
      return nil
    }
    return "\(field) \(time.text) was \(moment.instant.text) by \(moment.tzdata); "
      + "by today's zone database \(zones.tzdata) it is \(words(today))"
  }

  /// What today's database says otherwise of the times of a rejected request.
  static func otherwise(
    _ rejected: DispatchRejected, _ request: DispatchRequest, in zone: ZoneName,
    _ zones: TodaysZones
  ) -> [String] {
    guard let rules = zones.rules(of: zone) else { return [] }
    let recorded = RecordedTimes(of: rejected, request)
    let times = [(start, request.start)] + (request.end.map { [(end, $0)] } ?? [])
    return times.compactMap { field, time in
      guard time.isLocal else { return nil }
      let today = time.meaning(in: zone, rules: rules, tzdata: "", fold: request.fold)
      switch (recorded.meaning(time, field, zone), today) {
      case (.gap?, .gap), (.moment?, .moment), (nil, _): return nil
      case (.ambiguous(let first, let second)?, .ambiguous(let one, let other))
      where first == one && second == other: return nil
      default:
        return "\(field) \(time.text): by today's zone database \(zones.tzdata) it is "
          + words(today)
      }
    }
  }

  private static func words(_ meaning: TypedTime.Meaning) -> String {
    switch meaning {
    case .moment(let moment): moment.instant.text
    case .gap: "in a gap"
    case .ambiguous(let first, let second): "\(first.text) or \(second.text)"
    }
  }
}

extension TypedTime {
  /// Whether it is read on a clock of a zone.
  var isLocal: Bool {
    if case .local = reading { true } else { false }
  }
}
