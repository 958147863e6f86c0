package import Bytes
package import Dispatching
package import Events
import Platform

/// What `config.json` says: which channel carries the notices of each communication code.
///
/// ```json
/// {"channels":{"sms":{"kind":"spool","directory":"spool"},"console":{"kind":"console"}}}
/// ```
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

  /// The settings in force, as `config show` prints them.
  package var document: JSONObject {
    let members = channels.sorted { $0.key.text < $1.key.text }
      .map { JSONObject.Member(key: $0.key.text, value: .object($0.value.document)) }
    return JSONObject([.init(key: "channels", value: .object(JSONObject(members)))])
  }
}

/// The settings of one channel.
package enum ChannelSettings: Equatable, Sendable {
  /// Prints each notice where whoever runs the command sees it.
  case console
  /// Writes each notice to a file of its own; a relative directory is the ledger's.
  case spool(directory: String)

  private static let kinds = ["console", "spool"]

  init(_ reading: FieldReading) throws(RequestError) {
    let kind = try reading.string("kind")
    switch kind {
    case "console":
      try reading.allowOnly(["kind"])
      self = .console
    case "spool":
      try reading.allowOnly(["directory", "kind"])
      self = .spool(directory: try reading.printable("directory", limit: 1_024))
    default:
      throw reading.failure("kind", .badValue(found: kind, expected: .oneOf(Self.kinds)))
    }
  }

  var document: JSONObject {
    var document = JSONObject()
    switch self {
    case .console: document["kind"] = "console"
    case .spool(let directory):
      document["kind"] = "spool"
      document["directory"] = .string(directory)
    }
    return document
  }

  /// What an attempt records of the channel; these kinds have no secrets to leave out.
  package var identity: ChannelIdentity {
    let name =
      switch self {
      case .console: "console"
      case .spool: "spool"
      }
    let digest = SHA256.hash(JSON.object(document).canonicalBytes)
    guard let kind = CodeWord(name), let settings = HexDigest(digest.hex) else {
      fatalError("invariant broken: '\(name)' is no code word")
    }
    return ChannelIdentity(kind: kind, settings: settings)
  }
}
