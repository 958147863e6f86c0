import Bytes
import Channels
import Dispatching
import Events
import Platform

/// `ledger-bench send CONFIG CHANNEL ADDRESS COUNT`: sends so many messages as `deliver` would, with
/// no ledger behind them, and prints what came of them and how long it took.
enum SendMeasure {
  /// What can't be measured.
  struct BadCall: Error {}

  static func run(_ arguments: [String]) throws {
    prepareProcess()
    guard arguments.count == 4, let code = ChannelCode(arguments[1]), let count = Int(arguments[3]),
      let id = EntityID("bench"), count > 0
    else { throw BadCall() }
    let configuration = try Configuration(
      parsing: try readFile(arguments[0], limit: Configuration.limit))
    let sender = Sender(try ChannelSet(configuration, directory: ".") { _ in nil })
    let text = NoticeText(
      subject: "TEST: bench start, 2026-11-23 17:00 UTC+00:00 (UTC)",
      body: String(repeating: "This is a drill: nothing is to be done.\n", count: 8))
    var (begun, accepted, failed) = (0, 0, 0)
    let start = SystemClock.monotonicNanoseconds()
    while accepted + failed < count {
      for _ in 0..<min(sender.room(on: code), count - begun) {
        begun += 1
        sender.begin(
          OutgoingMessage(
            attempt: EventID(begun), origin: "example.com/bench", dispatchID: id, modification: 1,
            userID: id, channel: code, number: 1, kind: .start, isTest: true,
            start: SystemClock.now(), address: arguments[2], text: text))
      }
      for (_, outcome) in sender.finished(waitingMilliseconds: 1_000) {
        if case .reported(let report) = outcome, report.outcome == .accepted {
          accepted += 1
        } else {
          failed += 1
        }
      }
    }
    let nanoseconds = SystemClock.monotonicNanoseconds() - start
    let report: JSON = [
      "accepted": .integer(Int64(accepted)), "failed": .integer(Int64(failed)),
      "messages_a_second": .integer(Int64(UInt64(count) * 1_000_000_000 / max(1, nanoseconds))),
      "milliseconds": .integer(Int64(nanoseconds / 1_000_000)),
    ]
    _ = StandardStream.output.write(report.canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }
}
