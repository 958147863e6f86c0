package import Dispatching
package import Events

/// A path for notices.
///
/// Its attempt is durable before it is asked, and what it answers is recorded after.
package protocol Channel {
  /// How it sends, as attempts record it.
  var identity: ChannelIdentity { get }

  /// Sends one message, once; it never throws: whatever happens is an outcome.
  func send(_ message: OutgoingMessage) -> AttemptOutcome
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
  /// Opened for this sending alone.
  package let address: String
  package let text: NoticeText

  package init(
    attempt: EventID, origin: String, dispatchID: EntityID, modification: Int, userID: EntityID,
    channel: ChannelCode, address: String, text: NoticeText
  ) {
    self.attempt = attempt
    self.origin = origin
    self.dispatchID = dispatchID
    self.modification = modification
    self.userID = userID
    self.channel = channel
    self.address = address
    self.text = text
  }

  /// The same for every copy of the message: `<attempt-42@example.com/dr>`.
  var messageID: String { "<attempt-\(attempt)@\(origin)>" }

  /// The address on one line, whatever it holds.
  var shownAddress: String {
    String(
      String.UnicodeScalarView(
        address.unicodeScalars.map { isPrintable(String($0), limit: 4) ? $0 : "?" }))
  }
}

/// The channels that are set up, by communication code.
package struct ChannelSet {
  private let channels: [ChannelCode: any Channel]

  /// - Parameters:
  ///   - directory: What relative paths in the settings begin at.
  ///   - print: Where the console channel prints.
  package init(
    _ configuration: Configuration, directory: String,
    print: @escaping (_ bytes: [UInt8]) -> Int32?
  ) {
    channels = configuration.channels.mapValues { settings -> any Channel in
      switch settings {
      case .console: ConsoleChannel(identity: settings.identity, print: print)
      case .spool(let path):
        SpoolChannel(identity: settings.identity, directory: path, base: directory)
      }
    }
  }

  package subscript(code: ChannelCode) -> (any Channel)? { channels[code] }
}
