package import Bytes
package import Dispatching
package import Events

/// A path for notices.
///
/// Its attempt is durable before it is asked, and what it answers is recorded after.
package protocol Channel {
  /// How it sends, as attempts record it.
  var identity: ChannelIdentity { get }
}

/// A channel that answers at once.
protocol DirectChannel: Channel {
  /// Sends one message, once; it never throws: whatever happens is an outcome.
  ///
  /// An outcome that says accepted holds once ``settle()`` has been asked.
  func send(_ message: OutgoingMessage) -> AttemptOutcome

  /// Makes sure of all messages that were accepted since this was asked before.
  ///
  /// - Returns: What comes of those by attempt that weren't to be had, or that nobody can be sure of.
  func settle() -> [EventID: AttemptOutcome]
}

/// A channel that speaks a protocol of the network, which libcurl carries out.
protocol NetworkChannel: Channel {
  var pace: ChannelPace { get }

  /// What is to be carried out for the message, or why it isn't sent at all.
  func request(
    for message: OutgoingMessage, at now: Instant
  ) throws(Unsendable) -> NetworkRequest

  /// What an end of the request means.
  func outcome(of end: NetworkEnd) -> AttemptOutcome

  /// What shows that the channel is set up well without sending anything, or `nil` where nothing
  /// can.
  var trial: NetworkRequest? { get }
}

/// Why a message isn't sent: the code of its failure, which no other try changes.
struct Unsendable: Error, Hashable {
  let code: String

  var outcome: AttemptOutcome {
    .reported(
      ChannelReport(outcome: .failed, evidence: .none, code: code, isRetryable: false))
  }
}

/// A notice on its way to one address.
package struct OutgoingMessage: Sendable {
  /// The attempt's event.
  package let attempt: EventID
  /// The ledger's name.
  package let origin: String
  package let dispatchID: EntityID
  package let modification: Int
  package let userID: EntityID
  package let channel: ChannelCode
  /// Which try it is for this notice and channel, from 1.
  package let number: Int
  package let kind: NoticeKind
  package let isTest: Bool
  /// When the dispatch starts: a notice of it is of little use after.
  package let start: Instant
  /// Opened for this sending alone.
  package let address: String
  package let text: NoticeText

  package init(
    attempt: EventID, origin: String, dispatchID: EntityID, modification: Int, userID: EntityID,
    channel: ChannelCode, number: Int, kind: NoticeKind, isTest: Bool, start: Instant,
    address: String, text: NoticeText
  ) {
    self.attempt = attempt
    self.origin = origin
    self.dispatchID = dispatchID
    self.modification = modification
    self.userID = userID
    self.channel = channel
    self.number = number
    self.kind = kind
    self.isTest = isTest
    self.start = start
    self.address = address
    self.text = text
  }

  /// The same for every copy of the message: `<attempt-42@example.com/dr>`.
  var messageID: String { "<attempt-\(attempt)@\(origin)>" }

  /// The same for every try of the notice on this channel: no part of it holds a colon.
  var noticeID: String {
    "\(dispatchID.text):\(modification):\(userID.text):\(channel.text)"
  }

  /// The address on one line, whatever it holds.
  var shownAddress: String { oneLine(address, replacement: "?") }
}

/// `text` with each character replaced that could begin another line or header, hide, turn the
/// direction of writing or move a terminal's cursor.
func oneLine(_ text: String, replacement: Unicode.Scalar) -> String {
  // Most texts hold nothing else.
  if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
  var line = ""
  line.unicodeScalars.reserveCapacity(text.utf8.count)
  for scalar in text.unicodeScalars {
    line.unicodeScalars.append(isPrintable(String(scalar), limit: 4) ? scalar : replacement)
  }
  return line
}
