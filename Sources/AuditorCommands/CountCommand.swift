import Audit
import Bytes
import CommandLineInterface
import EventLog
import Merkle
import Platform

enum CountCommand {
  static let by = Option(
    "by", "WHAT", .oneOf(EventCounter.Key.self), default: "type",
    help: "What a line is: a type of event, a dispatch, a user or a channel")
  static let entry = AuditorCommand(
    "count", "Count events, attempts and results by type, dispatch, user or channel",
    details: """
      Counts the durable events, and checks every checksum and every event's form and place on the way;
      the hashes are for verify. Where anything is damaged nothing is counted: exit status 4, or 5 where
      the ledger's end is doubtful.

      An event counts for the dispatch that it is about; for the user that its data names, or that it
      is about; for the channel that its data names. A result counts for its attempt's user and
      channel too. Events that name several users or none, such as resolutions, count for none. FORMAT.md
      §30 has the exact rules.

      By type, memory doesn't grow with the ledger. Each dispatch or user takes some 200 bytes, and by
      user or channel each event takes 4.
      """,
    examples: [
      Example("ledger-audit count", "How many events of each type there are"),
      Example("ledger-audit count --by channel", "Attempts and results of each channel"),
      Example("ledger-audit count --by dispatch --json", "For another program"),
    ], takes: [by], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let ledger = try AuditedLedger(invocation).watched("count", &session)
    let counter = EventCounter(ledger.identity, by: invocation[by])
    var verifier = LogVerifier(
      ledger.storage, identity: ledger.identity, judge: counter, checksTree: false,
      workers: { doAtOnce($0, $1) })
    let report: LogReport
    do { report = try verifier.verify() } catch { throw CommandFailure(.log(error)) }
    try requireWhole(report)
    counter.finish(size: report.size)
    if session.wantsJSON {
      try printJSON(counter, report, &session)
    } else {
      try printLines(counter, &session)
    }
    return .done
  }

  private static func requireWhole(_ report: LogReport) throws(CommandFailure) {
    let isDoubtful = report.state == .headLost || report.state == .suspect
    if [.clean, .torn].contains(report.state), report.damage.isEmpty { return }
    throw CommandFailure(
      isDoubtful && report.damage.isEmpty ? .needsRepair : .integrityViolation,
      "the ledger isn't whole, so nothing is counted: its state is \(report.state.rawValue)",
      hint: "'ledger-audit verify' tells all that is damaged")
  }

  private static func columns(_ counter: EventCounter) -> [EventCounter.Column] {
    counter.key == .type ? [] : EventCounter.Column.allCases
  }

  /// Lines under titles, aligned; columns without a count are left out.
  private static func printLines(
    _ counter: EventCounter, _ session: inout Session
  ) throws(CommandFailure) {
    let rows = counter.sortedRows()
    func text(_ row: Int) -> String { String(decoding: counter.name(of: row), as: UTF8.self) }
    let title = counter.key.rawValue
    let shown = columns(counter).filter { column in
      rows.contains { counter.sum(of: $0, column) > 0 }
    }
    let nameWidth = rows.reduce(title.count) { max($0, displayWidth(terminalSafe(text($1)))) }
    func width(_ title: String, _ value: (Int) -> UInt64) -> Int {
      rows.reduce(title.count) { max($0, String(value($1)).count) }
    }
    let widths =
      [width("events", counter.events)]
      + shown.map { column in width(column.name) { counter.sum(of: $0, column) } }
    func line(_ name: String, _ cells: [String]) -> String {
      let gap = String(repeating: " ", count: nameWidth - displayWidth(name))
      return zip(cells, widths).reduce(name + gap) { line, cell in
        line + String(repeating: " ", count: 2 + cell.1 - cell.0.count) + cell.0
      }
    }
    try session.print(line(title, ["events"] + shown.map(\.name)), style: .strong)
    for row in rows {
      let sums = [counter.events(of: row)] + shown.map { counter.sum(of: row, $0) }
      try session.print(line(terminalSafe(text(row)), sums.map { String($0) }))
    }
    if counter.strayCount > 0 {
      session.warn("\(counter.strayCount) results are of attempts that the log doesn't hold")
    }
  }

  /// One canonical object, row by row, since there may be millions.
  private static func printJSON(
    _ counter: EventCounter, _ report: LogReport, _ session: inout Session
  ) throws(CommandFailure) {
    let title = counter.key.rawValue
    let members: [(name: String, column: EventCounter.Column?)] =
      (columns(counter).map { ($0.name, Optional($0)) } + [("events", nil)])
    let all = (members.map { ($0.name, Optional($0)) } + [(title, nil)]).sorted { $0.0 < $1.0 }
    try session.write(Array("{\"by\":\"\(title)\",\"counts\":[".utf8))
    var isFirst = true
    for row in counter.sortedRows() {
      var bytes: [UInt8] = isFirst ? [] : [UInt8(ascii: ",")]
      isFirst = false
      for (index, (name, member)) in all.enumerated() {
        bytes += (index == 0 ? "{\"" : ",\"").utf8
        bytes += name.utf8
        if let member {
          let sum = member.column.map { counter.sum(of: row, $0) } ?? counter.events(of: row)
          bytes += "\":\(sum)".utf8
        } else {
          bytes += "\":\"".utf8
          bytes += counter.name(of: row)
          bytes.append(UInt8(ascii: "\""))
        }
      }
      bytes.append(UInt8(ascii: "}"))
      try session.write(bytes)
    }
    var rest = JSONObject()
    rest["first"] = .string(String(report.archived ?? 0))
    rest["root"] = .string(report.root.base64)
    rest["size"] = .string(String(report.size))
    rest["strays"] = .integer(Int64(clamping: counter.strayCount))
    rest["v"] = 1
    try session.write(
      [UInt8(ascii: "]"), UInt8(ascii: ",")] + JSON.object(rest).canonicalBytes.dropFirst()
        + [UInt8(ascii: "\n")])
  }
}
