extension ViewError {
  /// The error in words, without the database's path, which only the caller knows.
  package var text: String {
    switch self {
    case .refused(let code, let message, let statement):
      "SQLite answers \(code) (\(message)) to \(firstLine(of: statement))"
    case .malformed(let statement, let column):
      "column \(column) holds nothing that an event can have put there, in "
        + firstLine(of: statement)
    case .foreign(let applicationID):
      "another program's database stands there (application id \(applicationID))"
    case .otherText(let table):
      "the text of views isn't one that this release reads, in "
        + (table.isEmpty ? "its beginning" : "table \(table)")
    case .outOfOrder(let expected, let found):
      "event \(found) came where event \(expected) was expected"
    }
  }
}

extension ViewCondition {
  /// Why the views aren't what the log says, in words; `nil` where they are.
  package var text: String? {
    switch self {
    case .current: nil
    case .behind(let cursor): "they end before event \(cursor.next)"
    case .otherRoot(let cursor): "they hold \(cursor.next) events of another history"
    case .ahead(let cursor): "they hold \(cursor.next) events, which is more than the log has"
    case .absent: "there are none yet"
    case .otherVersion(let view, let found, let wanted):
      "another release made them (\(view): version \(word(found)), not \(word(wanted)))"
    case .unreadable(let error): error.text
    }
  }

  private func word(_ version: Int?) -> String { version.map { String($0) } ?? "none" }
}

private func firstLine(of statement: String) -> String {
  let lines = statement.split(separator: "\n", maxSplits: 1)
  guard let first = lines.first else { return "nothing" }
  return lines.count > 1 ? "\(first) …" : String(first)
}
