import Bytes
package import Dispatching
package import Events

/// What `config.json` says: which channel carries the notices of each communication code.
///
/// ```json
/// {"channels":{"sms":{"kind":"spool","directory":"spool"},"console":{"kind":"console"}}}
/// ```
/// Each kind's keys stand in `FORMAT.md` §19.
/// Strict JSON; a key that isn't known is refused by name, since a setting with a slip in it would
/// otherwise silently not hold.
package struct Configuration: Equatable, Sendable {
  package private(set) var channels: [ChannelCode: ChannelSettings]

  /// No channel at all.
  package init() { channels = [:] }

  /// What a new ledger begins with: the console.
  package static let initial = Array(
    "{\"channels\":{\"console\":{\"kind\":\"console\"}}}\n".utf8)

  /// The most bytes of a file of settings.
  package static let limit = 1 << 20

  /// Reads the text of one file.
  package init(parsing bytes: [UInt8]) throws(RequestError) {
    let reading = FieldReading(try JSON.document(bytes), at: "")
    try reading.allowOnly(["channels"])
    channels = [:]
    guard let json = reading.object["channels"] else { return }
    let codes = try FieldReading(json, at: "channels")
    for member in codes.object.members {
      guard let code = ChannelCode(member.key) else {
        throw codes.failure(
          member.key, .badValue(found: member.key, expected: .channelCode))
      }
      channels[code] = try ChannelSettings(
        FieldReading(member.value, at: codes.path(of: member.key)))
    }
  }

  /// These settings with those of another file over them, code by code.
  package func overlaid(by other: Configuration) -> Configuration {
    var result = self
    result.channels.merge(other.channels) { _, new in new }
    return result
  }

  /// The channels' settings in the order of their codes.
  package var sorted: [(code: ChannelCode, settings: ChannelSettings)] {
    channels.sorted { $0.key.text < $1.key.text }.map { ($0.key, $0.value) }
  }
}
