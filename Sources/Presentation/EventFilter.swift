package import Bytes
package import CommandLineInterface
import Dispatching
package import Events

/// Which events a command is about: the filters that `log`, `export` and `report` share.
///
/// A filter is shown the events of a log in their order, and answers of each whether it passes. What
/// an event doesn't say itself (to which program its dispatch belongs, whom an attempt was to tell)
/// it remembers from those before.
package struct EventFilter {
  /// Whether drills are told.
  package enum Tests: String, CaseIterable, Sendable { case only, include, exclude }

  /// The ids that can pass.
  package let ids: Range<EventID>
  /// Whether a time that was given means another one when the same call is made later.
  package let isRelative: Bool
  private let wanted: Wanted
  /// Dispatches of the wanted program, and those that are drills.
  private var ofProgram: Set<EntityID> = []
  private var drills: Set<EntityID> = []
  /// Attempts to tell the wanted user, and those on the wanted channel.
  private var toUser: Set<EventID> = []
  private var onChannel: Set<EventID> = []

  private struct Wanted {
    var subject: Subject?
    var program: EntityID?
    var user: EntityID?
    var type: String?
    var channel: ChannelCode?
    var actor: String?
    var since: Instant?
    var until: Instant?
    var tests = Tests.include

    /// Whether the payload is looked at.
    var needsFacts: Bool {
      program != nil || user != nil || channel != nil || tests != .include
    }
  }

  /// Whether the events before ``ids`` must be shown too, from the log's first on.
  package var needsHistory: Bool { wanted.needsFacts }

  /// The filters that were given, by the names of their options, as text.
  package private(set) var document = JSONObject()

  /// The one stream that can pass, where that is known without history.
  package var stream: Subject? { needsHistory ? nil : wanted.subject }

  /// The user that the filter names.
  package var user: EntityID? { wanted.user }

  /// Whether it chooses dispatches and times alone, so that of what it lets through a dispatch's
  /// other events may be told, too.
  package var choosesWholeDispatches: Bool {
    wanted.user == nil && wanted.channel == nil && wanted.type == nil && wanted.actor == nil
  }

  /// Takes the values of ``options`` from a call that is made at `now`.
  package init(_ invocation: Invocation, now: Instant) {
    var wanted = Wanted()
    wanted.subject = invocation[Self.dispatch].map { .dispatch($0) }
    wanted.program = invocation[Self.program]
    wanted.user = invocation[Self.user]
    wanted.type = invocation[Self.type]
    wanted.channel = invocation[Self.channel]
    wanted.actor = invocation[Self.actor]
    wanted.since = invocation[Self.since]?.instant(at: now)
    wanted.until = invocation[Self.until]?.instant(at: now)
    wanted.tests = invocation[Self.test]
    self.wanted = wanted
    isRelative = [invocation[Self.since], invocation[Self.until]].contains {
      $0?.isRelative ?? false
    }
    let first = UInt64(invocation[Self.first] ?? 0)
    let end = invocation[Self.last].map { UInt64($0) + 1 } ?? .max
    ids = first..<max(first, end)
    let tests = wanted.tests == .include ? nil : wanted.tests.rawValue
    for (name, text) in [
      ("actor", wanted.actor), ("channel", wanted.channel?.text),
      ("dispatch", invocation[Self.dispatch]?.text),
      ("first", invocation[Self.first].map(String.init)),
      ("last", invocation[Self.last].map(String.init)), ("program", wanted.program?.text),
      ("since", wanted.since?.text), ("test", tests), ("type", wanted.type),
      ("until", wanted.until?.text), ("user", wanted.user?.text),
    ] {
      document[name] = text.map { .string($0) }
    }
  }

  /// Whether the next event of the log passes.
  ///
  /// - Throws: What is wrong with the event's data, where the filter has to look at it.
  package mutating func admits(_ envelope: Envelope) throws(EventError) -> Bool {
    let facts = wanted.needsFacts ? try learn(from: envelope) : nil
    guard ids.contains(envelope.id) else { return false }
    if let since = wanted.since, envelope.time < since { return false }
    if let until = wanted.until, envelope.time >= until { return false }
    if let type = wanted.type, !envelope.type.utf8.starts(with: type.utf8) { return false }
    if let actor = wanted.actor, !(envelope.actor.map { sameBytes($0, actor) } ?? false) {
      return false
    }
    if let subject = wanted.subject, !sameBytes(envelope.subject, subject.text) { return false }
    return facts.map(passes) ?? true
  }

  private func passes(_ facts: EventFacts) -> Bool {
    if let program = wanted.program, facts.program != program,
      !(facts.dispatch.map(ofProgram.contains) ?? false)
    {
      return false
    }
    if let user = wanted.user, !facts.users.contains(user),
      !(facts.attempt.map(toUser.contains) ?? false)
    {
      return false
    }
    if let channel = wanted.channel, facts.channel != channel,
      !(facts.attempt.map(onChannel.contains) ?? false)
    {
      return false
    }
    let isDrill = facts.dispatch.map(drills.contains) ?? false
    switch wanted.tests {
    case .only: return isDrill
    case .exclude: return !isDrill
    case .include: return true
    }
  }

  /// Remembers what later events leave unsaid, and answers with what this one says.
  private mutating func learn(from envelope: Envelope) throws(EventError) -> EventFacts {
    let event = try envelope.event()
    let facts = EventFacts(event.payload)
    switch event.payload {
    case .dispatchRequested(let request):
      note(request.dispatchID, of: request.programID, isTest: request.isTest)
    case .dispatchRejected(let rejected) where rejected.command == .request:
      // A rejected call on a dispatch that stands says nothing new of it.
      note(rejected.dispatchID, of: facts.program, isTest: rejected.request["test"] == true)
    case .notificationAttempted(let attempt):
      if attempt.userID == wanted.user { toUser.insert(envelope.id) }
      if attempt.channel == wanted.channel { onChannel.insert(envelope.id) }
    default: break
    }
    return facts
  }

  private mutating func note(_ dispatch: EntityID, of program: EntityID?, isTest: Bool) {
    if let program, program == wanted.program { ofProgram.insert(dispatch) }
    if isTest, wanted.tests != .include { drills.insert(dispatch) }
  }
}

extension EventFilter {
  private static let dispatch = Option(
    "dispatch", "ID", .id, help: "Only the stream of this dispatch: what its transaction log tells")
  private static let program = Option(
    "program", "ID", .id, help: "Only what is about this program or one of its dispatches")
  private static let user = Option("user", "ID", .id, help: "Only what is about this user")
  private static let type = Option(
    "type", "TYPE", .eventType, help: "Only events whose type begins with TYPE")
  private static let channel = Option(
    "channel", "CODE", .channel, help: "Only what is about this one channel")
  private static let actor = Option(
    "actor", "NAME", .text, help: "Only what this actor asked for, spelled exactly")
  private static let since = Option(
    "since", "TIME", .time, help: "Only what was recorded at TIME or later")
  private static let until = Option(
    "until", "TIME", .time, help: "Only what was recorded before TIME")
  private static let first = Option(
    "first", "ID", .integer(0...EventFilter.lastID), help: "Only from event ID on")
  private static let last = Option(
    "last", "ID", .integer(0...EventFilter.lastID), help: "Only up to event ID, and with it")
  private static let test = Option(
    "test", "WHICH", .oneOf(Tests.self), default: "include",
    help: "Drills only, too, or not at all")

  private static let lastID = 9_007_199_254_740_991

  /// The options that every command with filters takes, in the order of its help.
  package static let options: [any Declaration] = [
    dispatch, program, user, type, channel, actor, since, until, first, last, test,
  ]

  /// What the details of every such command say.
  package static let details = """
    An event is told where it passes all filters that are given.

    --program P: the program's own events; enrollments, opt-outs, templates, rules and legal holds \
    that name P; and all events of each dispatch that P was called by, also where the request was \
    rejected.

    --user U: the user's own events; each part of a resolution that lists U as a recipient or as \
    excluded; notices and attempts to tell U, what came of these attempts, and U's answers; legal \
    holds that name U. Not the request, change or end of a dispatch: that is --dispatch.

    --channel C: attempts on C and what came of them; suppressions, deferrals, opt-outs, opt-ins \
    and templates that name C alone. Not definitions and resolutions, which list channels.

    --test only tells the events of drills; exclude all but these. What belongs to no dispatch is \
    no drill.

    A correction is about what the event is about that it corrects. --since and --until go by the \
    time at which an event was recorded: RFC 3339, such as 2026-11-23T17:00:00Z; a day, month or \
    week in UTC, such as 2026-11-23 or 2026-11, which begins at 00:00; or words such as yesterday \
    and -2h ('help times'). So --since DAY --until NEXT is one day, and days neither overlap nor \
    leave a gap.
    """
}

extension ValueType<EntityID> {
  fileprivate static var id: Self {
    ValueType("an id of 1 to 128 letters, digits, _ and -") { EntityID($0) }
  }
}

extension ValueType<ChannelCode> {
  fileprivate static var channel: Self {
    ValueType("a communication code, such as sms") { ChannelCode($0) }
  }
}

extension ValueType<String> {
  fileprivate static var eventType: Self {
    ValueType("the beginning of an event type, such as notification. or dispatch.requested") {
      (text) -> String? in
      EventType.allCases.contains { $0.rawValue.utf8.starts(with: text.utf8) } && !text.isEmpty
        ? text : nil
    }
  }
}
