package import Bytes
package import Dispatching
import Events

/// The settings of one channel.
package struct ChannelSettings: Equatable, Sendable {
  /// The settings as they were given; a secret is named, never told.
  package let document: JSONObject
  let kind: Kind

  enum Kind: Equatable, Sendable {
    /// Prints each notice where whoever runs the command sees it.
    case console
    /// Writes each notice to a file of its own; a relative directory is the ledger's.
    case spool(directory: String)
    case mail(MailSettings)
    case sms(SMSSettings)
    case webhook(WebhookSettings)
    case command(CommandSettings)
  }

  private static let kinds = ["command", "console", "smtp", "spool", "twilio", "webhook"]

  /// Reads the settings of a channel; a key that its kind doesn't know is refused by name.
  package init(_ reading: FieldReading) throws(RequestError) {
    document = reading.object
    let kind = try reading.string("kind")
    switch kind {
    case "console":
      try reading.allowOnly(["kind"])
      self.kind = .console
    case "spool":
      try reading.allowOnly(["directory", "kind"])
      self.kind = .spool(directory: try reading.printable("directory", limit: 1_024))
    case "smtp": self.kind = .mail(try MailSettings(reading))
    case "twilio": self.kind = .sms(try SMSSettings(reading))
    case "webhook": self.kind = .webhook(try WebhookSettings(reading))
    case "command": self.kind = .command(try CommandSettings(reading))
    default:
      throw reading.failure("kind", .badValue(found: kind, expected: .oneOf(Self.kinds)))
    }
  }

  /// What holds for the keys that the document leaves out and that have a default.
  package var defaults: JSONObject {
    var defaults = JSONObject()
    switch kind {
    case .console, .spool: break
    case .mail(let mail):
      defaults["port"] = .integer(Int64(mail.port))
      defaults["tls"] = .string(mail.security.rawValue)
      mail.pace.add(to: &defaults)
    case .sms(let sms):
      defaults["base_url"] = .string(sms.baseURL)
      defaults["late_validity"] = .string("PT\(sms.lateValiditySeconds)S")
      sms.pace.add(to: &defaults)
    case .webhook(let webhook):
      defaults["allow_http"] = .bool(webhook.allowsHTTP)
      webhook.pace.add(to: &defaults)
    case .command(let command):
      command.pace.add(to: &defaults)
      defaults["connect_timeout"] = nil
    }
    for member in document.members { defaults[member.key] = nil }
    return defaults
  }

  /// Whether it runs a program, so that whoever may write the settings may run anything.
  package var runsCommand: Bool { if case .command = kind { true } else { false } }

  /// What an attempt records of the channel; the document has no secrets to leave out.
  package var identity: ChannelIdentity {
    let (name, host): (String, String?) =
      switch kind {
      case .console: ("console", nil)
      case .spool: ("spool", nil)
      case .mail(let mail): ("smtp", mail.host)
      case .sms(let sms): ("twilio", sms.host)
      case .webhook: ("webhook", nil)
      case .command: ("command", nil)
      }
    let digest = SHA256.hash(JSON.object(document).canonicalBytes)
    guard let kind = CodeWord(name), let settings = HexDigest(digest.hex) else {
      fatalError("invariant broken: '\(name)' is no code word")
    }
    return ChannelIdentity(kind: kind, host: host, settings: settings)
  }
}

/// How much a channel is asked to do, and how long one message may take.
struct ChannelPace: Hashable, Sendable {
  /// The most messages on their way at once.
  var concurrency: Int
  /// The most messages begun in a second; `nil`: as many as one likes.
  var perSecond: Int?
  var connectMilliseconds: Int
  /// From the beginning to the answer.
  var totalMilliseconds: Int

  static let keys = ["concurrency", "connect_timeout", "per_second", "timeout"]

  init(_ reading: FieldReading, concurrency: Int) throws(RequestError) {
    self.concurrency = try reading.whole("concurrency", 1...256) ?? concurrency
    perSecond = try reading.whole("per_second", 1...10_000)
    connectMilliseconds = Int(try reading.seconds("connect_timeout", 1...300) ?? 10) * 1_000
    totalMilliseconds = Int(try reading.seconds("timeout", 1...600) ?? 30) * 1_000
  }

  /// Adds what has a default.
  func add(to document: inout JSONObject) {
    document["concurrency"] = .integer(Int64(concurrency))
    document["connect_timeout"] = .string("PT\(connectMilliseconds / 1_000)S")
    document["timeout"] = .string("PT\(totalMilliseconds / 1_000)S")
  }
}

/// An e-mail relay: where it is, and what the letters say of their sender.
///
/// A relay that a mail service offers, with a password made for this program alone:
/// ```json
/// {"kind":"smtp","host":"smtp.gmail.com","port":587,"user":"dr@example.com",
///  "password":{"file":"keys/mail-password"},"from":"dr@example.com","from_name":"Acme DR"}
/// ```
struct MailSettings: Equatable, Sendable {
  enum Security: String, CaseIterable, Sendable {
    /// The connection is encrypted by STARTTLS before anything is said, or nothing is sent.
    case startTLS = "starttls"
    /// The connection is encrypted from its beginning.
    case implicit
    /// For a relay on this machine alone.
    case none
  }

  let host: String
  let port: Int
  let security: Security
  let login: (user: String, password: SecretSource)?
  let from: String
  let fromName: String?
  let replyTo: String?
  let authorities: String?
  let pace: ChannelPace

  init(_ reading: FieldReading) throws(RequestError) {
    try reading.allowOnly(
      [
        "ca_file", "from", "from_name", "host", "kind", "password", "port", "reply_to", "tls",
        "user",
      ]
        + ChannelPace.keys)
    host = try reading.host("host")
    let word = reading.object["tls"] == nil ? "starttls" : try reading.string("tls")
    guard let security = Security(rawValue: word) else {
      throw reading.failure(
        "tls", .badValue(found: word, expected: .oneOf(Security.allCases.map(\.rawValue))))
    }
    if security == .none, !isThisMachine(host) {
      throw reading.failure(
        "tls", .badValue(found: word, expected: .described("starttls or implicit for this host")))
    }
    self.security = security
    port = try reading.whole("port", 1...65_535) ?? (security == .implicit ? 465 : 587)
    if reading.object["user"] != nil || reading.object["password"] != nil {
      login = (
        try reading.printable("user", limit: 256), try SecretSource(reading, "password")
      )
    } else {
      login = nil
    }
    from = try reading.mailbox("from")
    fromName = try reading.optionalPrintable("from_name", limit: 256)
    replyTo = reading.object["reply_to"] == nil ? nil : try reading.mailbox("reply_to")
    authorities = try reading.optionalPrintable("ca_file", limit: 1_024)
    pace = try ChannelPace(reading, concurrency: 8)
  }

  static func == (one: MailSettings, other: MailSettings) -> Bool {
    one.host == other.host && one.port == other.port && one.security == other.security
      && one.login?.user == other.login?.user && one.login?.password == other.login?.password
      && one.from == other.from && one.fromName == other.fromName
      && one.replyTo == other.replyTo && one.authorities == other.authorities
      && one.pace == other.pace
  }
}

/// An account with a provider of SMS that takes messages as Twilio does.
struct SMSSettings: Equatable, Sendable {
  enum Sender: Equatable, Sendable {
    case number(String)
    case messagingService(String)
  }

  let baseURL: String
  let accountSID: String
  /// Of an API key; otherwise the account's own id is what the token belongs to.
  let keySID: String?
  let token: SecretSource
  let sender: Sender
  let statusCallback: String?
  /// How long a message may be on its way whose dispatch has started.
  let lateValiditySeconds: Int64
  let authorities: String?
  let pace: ChannelPace

  /// The host of the base URL.
  let host: String

  init(_ reading: FieldReading) throws(RequestError) {
    try reading.allowOnly(
      [
        "account_sid", "auth_token", "base_url", "ca_file", "from", "key_sid", "kind",
        "late_validity", "messaging_service_sid", "status_callback",
      ] + ChannelPace.keys)
    let url = try reading.optionalPrintable("base_url", limit: 256) ?? "https://api.twilio.com"
    guard let host = WebAddress(url)?.host, url.utf8.last != UInt8(ascii: "/"),
      url.hasPrefix("https://") || isThisMachine(host)
    else {
      throw reading.failure(
        "base_url",
        .badValue(found: url, expected: .described("https://HOST, without a slash at its end")))
    }
    baseURL = url
    self.host = host
    accountSID = try reading.word("account_sid")
    keySID = reading.object["key_sid"] == nil ? nil : try reading.word("key_sid")
    token = try SecretSource(reading, "auth_token")
    switch (reading.object["from"], reading.object["messaging_service_sid"]) {
    case (.some, nil): sender = .number(try reading.printable("from", limit: 64))
    case (nil, .some): sender = .messagingService(try reading.word("messaging_service_sid"))
    default:
      throw reading.failure(
        "from",
        .badValue(found: nil, expected: .described("there, or messaging_service_sid, not both")))
    }
    statusCallback = try reading.optionalPrintable("status_callback", limit: 1_024)
    lateValiditySeconds = try reading.seconds("late_validity", 1...36_000) ?? 600
    authorities = try reading.optionalPrintable("ca_file", limit: 1_024)
    pace = try ChannelPace(reading, concurrency: 16)
  }
}

/// How notices are posted to the users' own addresses.
struct WebhookSettings: Equatable, Sendable {
  let secret: SecretSource
  /// Whether an address may be `http://`.
  let allowsHTTP: Bool
  /// Networks that are reached although nothing public is there.
  let allowedNetworks: [Network]
  let authorities: String?
  let pace: ChannelPace

  init(_ reading: FieldReading) throws(RequestError) {
    try reading.allowOnly(
      ["allow_http", "allow_private", "ca_file", "kind", "secret"] + ChannelPace.keys)
    secret = try SecretSource(reading, "secret")
    allowsHTTP = try reading.bool("allow_http", default: false)
    allowedNetworks = try reading.networks("allow_private")
    authorities = try reading.optionalPrintable("ca_file", limit: 1_024)
    pace = try ChannelPace(reading, concurrency: 32)
  }
}

/// A program that carries notices.
struct CommandSettings: Equatable, Sendable {
  /// What `/bin/sh -c` runs.
  let command: String
  let pace: ChannelPace

  init(_ reading: FieldReading) throws(RequestError) {
    try reading.allowOnly(["command", "concurrency", "kind", "per_second", "timeout"])
    command = try reading.printable("command", limit: 4_096)
    pace = try ChannelPace(reading, concurrency: 16)
  }
}
