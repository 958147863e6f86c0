import Audit
import Bytes
import CommandLineInterface
import EventLog
import Events
import Platform

enum ReplayCommand {
  static let dispatches = Argument<[String]>(
    repeated: "DISPATCH", .text, atLeast: 0, help: "The dispatches; none with --all")
  static let all = Option(flag: "all", help: "All dispatches of the ledger")
  static let out = Option("out", "DIR", .text, help: "Write one file a dispatch, ID.txt")
  static let check = Option(
    "check", "DIR", .text, help: "Compare with the files of an earlier run, and print no text")
  static let entry = AuditorCommand(
    "replay", "Regenerate transaction logs from the log",
    details: """
      The text of a dispatch is made from its events alone (FORMAT.md §10): the same bytes on every
      run and every machine. --check says of each file: same; extended, where the dispatch went on
      since; or altered, with each line that differs. The exit status is 1 where one is altered or
      missing.
      """,
    examples: [
      Example("ledger-audit replay 0192…", "One, on standard output"),
      Example("ledger-audit replay --all --out audit", "All, one file each"),
      Example("ledger-audit replay --all --check audit", "Has anything changed since?"),
      Example("ledger-audit replay 0192… --as-of 1041", "As it was printed after event 1041"),
    ], takes: [dispatches, all, out, check] + HistoryOption.all, run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    var wanted: [EntityID]?
    if !invocation[all] {
      wanted = try invocation[dispatches].map { (text) throws(CommandFailure) in
        guard let id = EntityID(text) else {
          throw CommandFailure(.usage, "'\(text)' can't be a dispatch's id")
        }
        return id
      }
    }
    guard invocation[all] == invocation[dispatches].isEmpty else {
      throw CommandFailure(.usage, "name dispatches, or --all of them")
    }
    let point = try HistoryOption.point(invocation, now: world.now())
    let reader = try AuditedLedger(invocation).watched("replay", &session).reader()
    let logs = try auditing { () throws(AuditError) in
      try Replay(reader, at: point).transactionLogs(of: wanted)
    }
    if let directory = invocation[check] { return try compare(logs, with: directory, &session) }
    if let directory = invocation[out] {
      try write(logs, to: directory)
      session.note("\(logs.count) transaction logs in \(directory)")
      return .done
    }
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(
            key: "transaction_logs",
            value: .array(
              logs.map { log in
                .object(
                  JSONObject([
                    .init(key: "dispatch", value: .string(log.dispatchID.text)),
                    .init(key: "lines", value: .array(log.lines.map { .string($0) })),
                  ]))
              })),
          .init(key: "v", value: 1),
        ]))
    } else {
      for log in logs { try session.write(Array(log.text.utf8)) }
    }
    return .done
  }

  private static func path(_ log: TransactionLog, in directory: String) -> String {
    joinPath(directory, "\(log.dispatchID.text).txt")
  }

  private static func write(
    _ logs: [TransactionLog], to directory: String
  ) throws(CommandFailure) {
    do {
      try createDirectories(directory)
      for log in logs {
        try replaceFile(path(log, in: directory), with: Array(log.text.utf8))
      }
    } catch {
      throw failure(error)
    }
  }

  private static func compare(
    _ logs: [TransactionLog], with directory: String, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    var results: [JSON] = []
    var isAltered = false
    for log in logs {
      let older = try olderText(path(log, in: directory))
      let comparison = older.map { Comparison(older: $0, newer: log.text) }
      let word: String
      var differences: [Comparison.Difference] = []
      switch comparison {
      case .same?: word = "same"
      case .extended?: word = "extended"
      case .altered(let found)?:
        word = "altered"
        differences = found
      case nil: word = "missing"
      }
      isAltered = isAltered || word == "altered" || word == "missing"
      if session.wantsJSON {
        results.append(
          .object(
            JSONObject([
              .init(key: "dispatch", value: .string(log.dispatchID.text)),
              .init(key: "lines", value: .array(differences.map { .integer(Int64($0.line)) })),
              .init(key: "result", value: .string(word)),
            ])))
        continue
      }
      try session.print("\(log.dispatchID.text) \(word)")
      for difference in differences {
        try session.print("  line \(difference.line)")
        try session.print("    was \(difference.older ?? "-")")
        try session.print("    is  \(difference.newer ?? "-")")
      }
    }
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "results", value: .array(results)), .init(key: "v", value: 1),
        ]))
    }
    return isAltered ? .answerIsNo : .done
  }

  private static func olderText(_ path: String) throws(CommandFailure) -> String? {
    do {
      guard try exists(path) else { return nil }
      return String(decoding: try readFile(path, limit: 256 << 20), as: UTF8.self)
    } catch {
      throw failure(error)
    }
  }

  private static func failure(_ error: PlatformError) -> CommandFailure {
    guard case .failed(let operation, let path, let code) = error else {
      return CommandFailure(.inputOutput, "\(error)")
    }
    return CommandFailure(
      [1, 13].contains(code) ? .permission : .inputOutput,
      "\(operation.rawValue) of '\(path)' failed: \(errnoText(code))",
      stillGood: "the ledger isn't concerned")
  }
}
