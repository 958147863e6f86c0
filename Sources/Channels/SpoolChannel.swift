import Bytes
import Dispatching
import Events
import Platform

/// Writes each notice to a file of its own, whole or not at all, for another program to carry on.
///
/// The file's name follows from the attempt, so that an attempt that was made before is found. Files
/// are made durable together, before any of them gets its name.
final class SpoolChannel: DirectChannel {
  let identity: ChannelIdentity
  private let folder: String
  private var written: [(attempt: EventID, file: UnpublishedFile)] = []

  init(identity: ChannelIdentity, directory: String, base: String) {
    self.identity = identity
    folder = joinPath(base, directory)
  }

  func send(_ message: OutgoingMessage) -> AttemptOutcome {
    let name = "attempt-\(padded(message.attempt, 16))-\(message.channel.text).txt"
    let path = joinPath(folder, name)
    do {
      try createDirectories(folder)
      if try exists(path) {
        return .reported(
          ChannelReport(
            outcome: .failed, evidence: .none, code: "spooled-before", isRetryable: false))
      }
      let file = try UnpublishedFile(path, with: content(message))
      written.append((message.attempt, file))
      return .reported(
        ChannelReport(outcome: .accepted, evidence: .acceptedByProvider, providerID: name))
    } catch {
      return failure(error)
    }
  }

  func settle() -> [EventID: AttemptOutcome] {
    var instead: [EventID: AttemptOutcome] = [:]
    for (attempt, file) in written {
      do { try file.synchronize() } catch { instead[attempt] = failure(error) }
    }
    var named: [EventID] = []
    for (attempt, file) in written where instead[attempt] == nil {
      do {
        try file.publish()
        named.append(attempt)
      } catch {
        instead[attempt] = failure(error)
      }
    }
    written = []
    do { try synchronizeDirectory(folder) } catch {
      // The names were given, and only their durability is in doubt: the messages may be found there.
      for attempt in named { instead[attempt] = .unknown(.timeout) }
    }
    return instead
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
    guard case .failed(_, _, let code) = error else {
      return .reported(
        ChannelReport(outcome: .failed, evidence: .none, code: "spool", isRetryable: false))
    }
    // A full disk or too many open files may pass; a path that can't be written doesn't by itself.
    let isRetryable = [28, 24, 23, 122].contains(code)
    return .reported(
      ChannelReport(
        outcome: .failed, evidence: .none, code: "errno-\(code)", isRetryable: isRetryable))
  }
}
