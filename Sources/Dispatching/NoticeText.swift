import Bytes
package import Events

/// What a notice says, before a channel gives it a form.
package struct NoticeText: Hashable, Sendable {
  /// One line.
  package let subject: String
  /// Lines, the last one with its newline too.
  package let body: String

  package init(subject: String, body: String) {
    self.subject = subject
    self.body = body
  }

  /// What the attempt's HMAC covers: the subject, a newline, the body.
  package var bytes: [UInt8] { Array("\(subject)\n\(body)".utf8) }
}

/// What a notice is made from: by the built-in text `builtin/1`, or by a template.
package struct NoticeContent: Equatable, Sendable {
  package let dispatchID: EntityID
  package let modification: Int
  package let programName: String
  package let kind: NoticeKind
  package let isTest: Bool
  package let isLate: Bool
  package let start: ZonedMoment
  /// Absent: open-ended.
  package let end: ZonedMoment?
  /// The user's language, where it is known.
  package let language: String?

  package init(
    dispatchID: EntityID, modification: Int, programName: String, kind: NoticeKind, isTest: Bool,
    isLate: Bool, start: ZonedMoment, end: ZonedMoment?, language: String? = nil
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.programName = programName
    self.kind = kind
    self.isTest = isTest
    self.isLate = isLate
    self.start = start
    self.end = end
    self.language = language
  }

  /// The text; the same content gives the same bytes, whatever the zone database says today.
  package func builtinText() -> NoticeText {
    let program = oneLine(programName)
    let marks = (isTest ? "TEST" : "REAL") + (isLate ? " LATE" : "")
    var lines = ["\(isTest ? "TEST of a dispatch" : "REAL dispatch") of \(program): \(kind.says)"]
    if isTest { lines.append("This is a drill: nothing is to be done.") }
    if isLate { lines.append("LATE: this notice leaves after its deadline or after the end.") }
    lines.append("Start: \(local(start))")
    lines.append("End: \(end.map(local) ?? "until further notice")")
    lines.append(answer(program))
    lines.append("Dispatch: \(dispatchID.text), modification \(modification)")
    return NoticeText(
      subject: "\(marks): \(program) \(kind.rawValue), \(local(start))",
      body: lines.map { "\($0)\n" }.joined())
  }

  func answer(_ program: String) -> String {
    let reply = "tell the operator of \(program) \"in\" or \"out\" with the dispatch below"
    switch kind {
    case .cancel, .end: return "Answer: none is needed; to say that you have read it, \(reply)"
    case .standby, .start, .update, .extend:
      let time = isLate ? "as soon as you can" : "before the start"
      return "Answer \(time): \(reply)"
    }
  }

  /// `2019-08-27 21:04 UTC-04:00 (America/New_York)`, by the offset that was stored.
  func local(_ moment: ZonedMoment) -> String {
    let wall = moment.instant.adding(seconds: Int64(moment.offsetSeconds)).civil
    let minutes = abs(moment.offsetSeconds) / 60
    let offset =
      "\(moment.offsetSeconds < 0 ? "-" : "+")\(padded(minutes / 60, 2))"
      + ":\(padded(minutes % 60, 2))"
    let seconds = wall.second == 0 ? "" : ":\(padded(wall.second, 2))"
    return "\(padded(wall.year, 4))-\(padded(wall.month, 2))-\(padded(wall.day, 2)) "
      + "\(padded(wall.hour, 2)):\(padded(wall.minute, 2))\(seconds) UTC\(offset) "
      + "(\(moment.zone.text))"
  }
}

extension NoticeKind {
  /// The kind as the first line of a notice says it.
  var says: String {
    switch self {
    case .standby: "stand by"
    case .start: "start"
    case .update: "update; these times hold now"
    case .extend: "extended; these times hold now"
    case .cancel: "CANCELLED; it doesn't take place, or stops now"
    case .end: "END; it has ended"
    }
  }
}

/// `text` without anything that could begin another line or header, or move a terminal's cursor.
func oneLine(_ text: String) -> String {
  var line = ""
  for scalar in text.unicodeScalars {
    line.unicodeScalars.append(isPrintable(String(scalar), limit: 4) ? scalar : " ")
  }
  return line
}
