extension ExportTable {
  /// All tables, in the order in which documents list them.
  package static let all = [dispatches, recipients, attempts, results, rejections, findings]

  /// Each modification of each dispatch: its request, and what changed it since.
  package static let dispatches = ExportTable(
    "dispatches",
    [
      .event, .time, .actor, .dispatch, .modification,
      .text("type", "`requested`, `modified`, `cancelled` or `ended`"),
      .text("kind", "`start`, `update`, `extend`, `cancel` or `end`", isNullable: true),
      .text("program_id", "the program that was called", isNullable: true),
      .text("event_type_id", "the market event type", isNullable: true),
      .instant("start", "when it begins, as of this modification", isNullable: true),
      .text("start_zone", "the zone that this was given in", isNullable: true),
      .integer("start_offset", "seconds that its clocks were ahead of UTC", isNullable: true),
      .instant("end", "when it ends; none: open-ended", isNullable: true),
      .boolean("test", "whether it is a drill", isNullable: true),
      .boolean("late", "whether a deadline had passed when it was recorded", isNullable: true),
      .instant("deadline", "when its notices had to be there; none: any time", isNullable: true),
      .text("reason", "why it was changed", isNullable: true),
      .integer("recipients", "how many users it concerns", isNullable: true),
      .integer("exclusions", "how many were considered and left out", isNullable: true),
    ])

  /// Each user whom a modification concerns, and each who was considered and left out.
  package static let recipients = ExportTable(
    "recipients",
    [
      .event, .time, .dispatch, .modification,
      .text("user_id", "the user"),
      .boolean("recipient", "whether the user is a recipient; else was left out"),
      .text("exclusion", "why the user was left out", isNullable: true),
      .text("detail", "more about that", isNullable: true),
      .text("channels", "the channels to be told on, in order, a space between", isNullable: true),
      .text("state", "how the notice stands: the counts of §10", isNullable: true),
      .text("suppression", "why it is never attempted", isNullable: true),
      .text("channel", "the channel of the last or the next attempt", isNullable: true),
      .integer("attempts", "how often it was attempted", isNullable: true),
      .text("verdict", "`on-time`, `late`, `never`, `unprovable` or `open`", isNullable: true),
      .integer("minutes", "before the deadline, or after it where late", isNullable: true),
      .instant("told_at", "when the user was told, at the latest", isNullable: true),
      .integer("told_event", "the event that proves it", isNullable: true),
      .integer("evidence", "how strong that proof is, 0 to 5", isNullable: true),
      .boolean("test", "whether it is a drill", isNullable: true),
    ])

  /// Each try to tell a user on a channel.
  package static let attempts = ExportTable(
    "attempts",
    [
      .event, .time, .dispatch, .modification,
      .text("user_id", "the user"),
      .text("channel", "the communication code"),
      .integer("number", "which try it is for this modification, user and channel, from 1"),
      .text("kind", "what the notice says"),
      .boolean("late", "whether it says LATE"),
      .boolean("test", "whether it says TEST"),
      .integer("address_event", "the `user.defined` that gave the address"),
      .text("template", "what the text was made from: id, a slash, version"),
      .text("channel_kind", "how the channel sends"),
      .text("channel_host", "the host that it sends through", isNullable: true),
      .text("fate", "`open`, `unknown`, an outcome, or `settled-` and how"),
      .integer("evidence", "the strongest of its results"),
    ])

  /// Whatever came back: of attempts, by whom they were settled, and users' answers.
  package static let results = ExportTable(
    "results",
    [
      .event, .time,
      .text("type", "`recorded`, `unmatched`, `unknown`, `settled` or `acknowledged`"),
      .text("dispatch_id", "the dispatch", isNullable: true),
      .integer("attempt", "the event of the attempt", isNullable: true),
      .integer("modification", "the modification answered or told of", isNullable: true),
      .text("user_id", "the user", isNullable: true),
      .text("outcome", "what became of it, its settlement, or the answer", isNullable: true),
      .integer("evidence", "how strong the proof is, 0 to 5", isNullable: true),
      .text("provider_id", "the provider's id of the message", isNullable: true),
      .text("code", "the provider's own code", isNullable: true),
      .boolean("retryable", "whether another try may help", isNullable: true),
      .instant("occurred_at", "when it happened, as whoever said it says", isNullable: true),
      .text("detail", "how it was lost, why settled so, or an answer's marks", isNullable: true),
    ])

  /// Each rule that a rejected command broke.
  package static let rejections = ExportTable(
    "rejections",
    [
      .event, .time, .actor, .dispatch,
      .text("command", "`request`, `modify`, `cancel` or `end`"),
      .integer("number", "which of the command's reasons it is, from 1"),
      .text("code", "the rule"),
      .text("field", "the field that broke it", isNullable: true),
      .text("message", "the rule in words"),
    ])

  /// Each finding of a recheck (§17).
  package static let findings = ExportTable(
    "findings",
    [
      .event,
      .text("kind", "what is wrong: the words of §17"),
      .text("dispatch_id", "the dispatch concerned", isNullable: true),
      .text("message", "what is wrong, in words"),
      .text("path", "where the event differs", isNullable: true),
      .text("expected", "what should stand there, as JSON", isNullable: true),
      .text("found", "what stands there, as JSON", isNullable: true),
    ])
}

extension ExportTable.Column {
  fileprivate static let event = integer("event", "the event that the row is of")
  fileprivate static let time = instant("time", "when it was recorded")
  fileprivate static let actor = text("actor", "who asked for it", isNullable: true)
  fileprivate static let dispatch = text("dispatch_id", "the dispatch")
  fileprivate static let modification = integer("modification", "its modification")

  fileprivate static func text(
    _ name: String, _ meaning: String, isNullable: Bool = false
  ) -> Self {
    Self(name: name, kind: .text, isNullable: isNullable, meaning: meaning)
  }

  fileprivate static func integer(
    _ name: String, _ meaning: String, isNullable: Bool = false
  ) -> Self {
    Self(name: name, kind: .integer, isNullable: isNullable, meaning: meaning)
  }

  fileprivate static func boolean(
    _ name: String, _ meaning: String, isNullable: Bool = false
  ) -> Self {
    Self(name: name, kind: .boolean, isNullable: isNullable, meaning: meaning)
  }

  fileprivate static func instant(
    _ name: String, _ meaning: String, isNullable: Bool = false
  ) -> Self {
    Self(name: name, kind: .instant, isNullable: isNullable, meaning: meaning)
  }
}
