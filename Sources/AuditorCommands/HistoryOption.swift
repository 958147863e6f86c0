import Audit
import Bytes
import CommandLineInterface
import Events

/// The options that name a moment of the ledger's history.
enum HistoryOption {
  static let asOf = Option(
    "as-of", "ID|TIME", .historyPoint,
    help: "As it stood after the commit that holds event ID, or with all recorded up to TIME")
  static let knownAt = Option(
    "known-at", "TIME", .instant,
    help: "What had been recorded and had happened up to TIME")
  static let all: [any Declaration] = [asOf, knownAt]

  /// The moment that was asked for; `nil`: the ledger as it stands.
  static func point(_ invocation: Invocation) throws(CommandFailure) -> HistoryPoint? {
    switch (invocation[asOf], invocation[knownAt]) {
    case (nil, nil): return nil
    case (let point?, nil): return point
    case (nil, let time?): return .known(time)
    case (_?, _?):
      throw CommandFailure(
        .usage, "--as-of and --known-at name two moments",
        hint: "what was known at a time is what had been recorded then; give one of them")
    }
  }
}

extension ValueType<Instant> {
  /// A time with its offset, as RFC 3339 writes it.
  fileprivate static var instant: Self {
    ValueType("a time as in 2026-11-23T18:00:00Z or 2026-11-23T13:00:00-05:00") {
      OffsetTime(text: $0.utf8)?.instant
    }
  }
}

extension ValueType<HistoryPoint> {
  /// An event's id, or a time.
  fileprivate static var historyPoint: Self {
    ValueType("an event's id, or a time as in 2026-11-23T18:00:00Z") { text in
      if let id = EventID(eventID: text) { return .event(id) }
      return OffsetTime(text: text.utf8).map { .recorded($0.instant) }
    }
  }
}
