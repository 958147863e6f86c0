import Dispatching
import Events

/// Prints each notice for whoever runs the command.
///
/// That a terminal took the bytes is evidence 1: the provider accepted. Nobody has read them for
/// certain.
struct ConsoleChannel: DirectChannel {
  let identity: ChannelIdentity
  /// Writes all bytes; answers the C library's `errno` where that fails.
  let print: (_ bytes: [UInt8]) -> Int32?

  func send(_ message: OutgoingMessage) -> AttemptOutcome {
    let text = """
      --- \(message.text.subject)
      To: \(message.userID.text) (\(message.shownAddress)) on \(message.channel.text)
      \(message.text.body)
      """
    if let code = print(Array("\(text)\n".utf8)) {
      // Part of the text may stand on the screen; nobody can know.
      return .reported(
        ChannelReport(
          outcome: .failed, evidence: .none, code: "errno-\(code)", isRetryable: false))
    }
    return .reported(ChannelReport(outcome: .accepted, evidence: .acceptedByProvider))
  }

  func settle() -> [EventID: AttemptOutcome] { [:] }
}
