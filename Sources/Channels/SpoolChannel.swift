import Bytes
import Dispatching
import Events
import Platform

/// Writes each notice to a file of its own, whole or not at all, for another program to carry on.
///
/// The file's name follows from the attempt, so that an attempt that was made before is found.
struct SpoolChannel: DirectChannel {
  let identity: ChannelIdentity
  let directory: String
  let base: String

  func send(_ message: OutgoingMessage) -> AttemptOutcome {
    let folder = joinPath(base, directory)
    let name = "attempt-\(padded(message.attempt, 16))-\(message.channel.text).txt"
    let path = joinPath(folder, name)
    do {
      try createDirectories(folder)
      if try exists(path) {
        return .reported(
          ChannelReport(
            outcome: .failed, evidence: .none, code: "spooled-before", isRetryable: false))
      }
      try replaceFile(path, with: content(message))
      return .reported(
        ChannelReport(outcome: .accepted, evidence: .acceptedByProvider, providerID: name))
    } catch {
      return failure(error)
    }
  }

  /// Headers as in RFC 5322, a blank line, the body; each value stands on one line.
  private func content(_ message: OutgoingMessage) -> [UInt8] {
    let headers = [
      "To: \(message.shownAddress)", "Subject: \(message.text.subject)",
      "Message-ID: \(message.messageID)",
      "Dispatch: \(message.dispatchID.text), modification \(message.modification)",
      "User: \(message.userID.text)", "Channel: \(message.channel.text)",
    ]
    return Array((headers.joined(separator: "\n") + "\n\n" + message.text.body).utf8)
  }

  private func failure(_ error: PlatformError) -> AttemptOutcome {
    guard case .failed(let operation, _, let code) = error else {
      return .reported(
        ChannelReport(outcome: .failed, evidence: .none, code: "spool", isRetryable: false))
    }
    // The name was given, and only its durability is in doubt: the message may be found there.
    if operation == .synchronizeDirectory { return .unknown(.timeout) }
    // A full disk or too many open files may pass; a path that can't be written doesn't by itself.
    let isRetryable = [28, 24, 23, 122].contains(code)
    return .reported(
      ChannelReport(
        outcome: .failed, evidence: .none, code: "errno-\(code)", isRetryable: isRetryable))
  }
}
