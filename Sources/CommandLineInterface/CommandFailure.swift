package import Bytes

/// Why a command can't do what was asked, told so that somebody can act on it.
///
/// Every part is one sentence without a capital or full stop; whatever came from users or files is
/// escaped when it is printed, so callers interpolate it as it is.
package struct CommandFailure: Error, Hashable, Sendable {
  package let status: ExitStatus
  /// What happened, and where.
  package let happened: String
  /// What can still be relied on: "the 300,016 events before it are intact".
  package let stillGood: String?
  /// What was asked for and is not done: "nothing was appended".
  package let notDone: String?
  /// What to do next.
  package let hint: String?

  package init(
    _ status: ExitStatus, _ happened: String, stillGood: String? = nil, notDone: String? = nil,
    hint: String? = nil
  ) {
    self.status = status
    self.happened = happened
    self.stillGood = stillGood
    self.notDone = notDone
    self.hint = hint
  }

  /// `what happened; what is still good; what was not done`, on one line, safe for a terminal.
  package var message: String {
    terminalSafe([happened, stillGood, notDone].compactMap(\.self).joined(separator: "; "))
  }

  /// `{"error":{"code":…,"exit":…,"hint":…,"message":…},"v":1}`; the hint only where there is one.
  package func json(hint: String?) -> JSON {
    var error = JSONObject()
    error["code"] = .string(status.name)
    error["exit"] = .integer(Int64(status.rawValue))
    error["hint"] = hint.map { .string(terminalSafe($0)) }
    error["message"] = .string(message)
    return ["error": .object(error), "v": 1]
  }
}
