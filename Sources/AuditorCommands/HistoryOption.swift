import Audit
import Bytes
import CommandLineInterface
import Events

/// The options that name a moment of the ledger's history.
enum HistoryOption {
  static let asOf = Option(
    "as-of", "ID|TIME", .eventOrTime,
    help: "As it stood after the commit that holds event ID, or with all recorded up to TIME")
  static let knownAt = Option(
    "known-at", "TIME", .time,
    help: "What had been recorded and had happened up to TIME")
  static let all: [any Declaration] = [asOf, knownAt]

  /// The moment that was asked for; `nil`: the ledger as it stands.
  ///
  /// - Parameter now: When the call is made, for times such as `-2h`.
  static func point(
    _ invocation: Invocation, now: Instant
  ) throws(CommandFailure) -> HistoryPoint? {
    switch (invocation[asOf], invocation[knownAt]) {
    case (nil, nil): return nil
    case (.event(let id)?, nil): return .event(id)
    case (.time(let time)?, nil): return .recorded(time.instant(at: now))
    case (nil, let time?): return .known(time.instant(at: now))
    case (_?, _?):
      throw CommandFailure(
        .usage, "--as-of and --known-at name two moments",
        hint: "what was known at a time is what had been recorded then; give one of them")
    }
  }

  /// Whether the moment is another one when the same call is made later.
  static func isRelative(_ invocation: Invocation) -> Bool {
    if case .time(let time)? = invocation[asOf] { return time.isRelative }
    return invocation[knownAt]?.isRelative ?? false
  }
}

/// An event's id, or a time as people write it.
enum EventOrTime: Hashable, Sendable {
  case event(EventID)
  case time(HumanTime)
}

extension ValueType<EventOrTime> {
  fileprivate static var eventOrTime: Self {
    ValueType("an event's id, or a time such as 2026-11-23T18:00:00Z or -2h ('help times')") {
      (text) -> EventOrTime? in
      EventID(eventID: text).map { .event($0) } ?? HumanTime(text).map { .time($0) }
    }
  }
}
