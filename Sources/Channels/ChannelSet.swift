import Dispatching
package import Events
import Platform

/// The channels that are set up, by communication code.
package struct ChannelSet {
  let channels: [ChannelCode: any Channel]

  /// Puts the channels together that the settings name; their secrets are read now.
  ///
  /// - Parameters:
  ///   - directory: What relative paths in the settings begin at.
  ///   - environment: The variables that secrets may be in.
  ///   - print: Where the console channel prints; it answers the C library's `errno` on failure.
  /// - Throws: `.secret` for the first channel, by code, whose secret can't be had; `.noTransfers`.
  package init(
    _ configuration: Configuration, directory: String,
    environment: @escaping (_ name: String) -> String? = environmentVariable,
    print: @escaping (_ bytes: [UInt8]) -> Int32?
  ) throws(ChannelError) {
    guard SenderAlarm.hasStarted else { throw .noTransfers }
    var channels: [ChannelCode: any Channel] = [:]
    let reader = SecretReader(directory: directory, environment: environment)
    for (code, settings) in configuration.sorted {
      let identity = settings.identity
      channels[code] =
        switch settings.kind {
        case .console: ConsoleChannel(identity: identity, print: print)
        case .spool(let path):
          SpoolChannel(identity: identity, directory: path, base: directory)
        case .mail(let mail):
          try MailChannel(identity: identity, mail, code, reader)
        case .sms(let sms): try SMSChannel(identity: identity, sms, code, reader)
        case .webhook(let webhook):
          try WebhookChannel(identity: identity, webhook, code, reader)
        case .command(let command): CommandChannel(identity: identity, command)
        }
    }
    self.channels = channels
  }

  package subscript(code: ChannelCode) -> (any Channel)? { channels[code] }

  /// The codes of the channels that are set up, in their order.
  package var codes: [ChannelCode] { channels.keys.sorted { $0.text < $1.text } }
}

/// Why channels can't be used as they are set up.
package enum ChannelError: Error, Hashable, Sendable {
  case secret(ChannelCode, SecretSource, SecretProblem)
  /// The library that carries mail and requests can't be loaded.
  case noTransfers
}
