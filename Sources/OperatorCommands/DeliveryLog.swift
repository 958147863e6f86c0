import Bytes
import Channels
import CommandLineInterface
import Dispatching
import Events
import Ledger
import Platform

/// What a worker does, one JSON object a line, for whoever runs it; it is no evidence.
///
/// Each line has `time` and `what`; events are meant by their ids, and nothing names a person. What is
/// worth a warning is kept for the end of the command too.
final class DeliveryLog {
  private let file: OperationalLog?
  private let now: () -> Instant
  private let kept = SenderNotes()

  init(path: String?, now: @escaping () -> Instant) throws(PlatformError) {
    file = try path.map { (path) throws(PlatformError) in try OperationalLog(path: path) }
    self.now = now
  }

  func add(_ note: WorkerNote) {
    if case .sender(let said) = note { kept.add(said) }
    guard let file else { return }
    var line = fields(of: note)
    line["time"] = .string(now().text)
    file.append(JSON.object(line).canonicalBytes + [UInt8(ascii: "\n")])
  }

  func print(to session: inout Session) { kept.print(to: &session) }

  private func fields(of note: WorkerNote) -> JSONObject {
    var line = JSONObject()
    switch note {
    case .started(let channels, let lost):
      line["what"] = "started"
      line["channels"] = .array(channels.map { .string($0.text) })
      line["lost"] = .integer(Int64(lost))
      line["note"] = "an operational log: the ledger is the evidence, this isn't"
    case .failed(let attempt, let code, let retry):
      line["what"] = "failed"
      line["attempt"] = .string(String(attempt))
      line["code"] = code.map { .string($0) }
      line["retry"] = retry.map { .string($0.text) }
    case .unknown(let attempt, let reason):
      line["what"] = "unknown"
      line["attempt"] = .string(String(attempt))
      line["reason"] = .string(reason.rawValue)
    case .sender(let said):
      line["what"] = "channel"
      line["text"] = .string(said.text)
    case .waitingForLock(let milliseconds):
      line["what"] = "waiting-for-lock"
      line["milliseconds"] = .integer(Int64(milliseconds))
    case .unsigned(let error):
      line["what"] = "unsigned"
      line["text"] = .string(CommandFailure(error).message)
    case .stopped(let report):
      line["what"] = "stopped"
      line["accepted"] = .integer(Int64(report.accepted))
      line["attempts"] = .integer(Int64(report.attempts))
      line["failed"] = .integer(Int64(report.failed))
      line["suppressed"] = .integer(Int64(report.suppressed))
      line["unknown"] = .integer(Int64(report.unknown))
      line["without_key"] = .integer(Int64(report.withoutKey))
    }
    return line
  }
}
